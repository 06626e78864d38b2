//! Names that a user types: what they stand for, or what was meant.

use upward_model::flaw::Flaw;
use upward_model::protocol::{PROTOCOLS, Protocol, by_name};

use crate::cli::Failure;

/// A protocol by its name.
pub(crate) fn protocol(name: &str) -> Result<&'static Protocol, Failure> {
    by_name(name).ok_or_else(|| unknown("protocol", name, PROTOCOLS.iter().map(|p| p.name)))
}

/// A flaw by its name.
pub(super) fn flaw(name: &str) -> Result<Flaw, Failure> {
    Flaw::by_name(name)
        .ok_or_else(|| unknown("flaw", name, Flaw::ALL.iter().map(|flaw| flaw.name())))
}

/// No bundled client has this name.
pub(super) fn no_such_client<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Failure {
    let meant = meant(name, known);
    let meant = meant.map_or_else(String::new, |other| format!("did you mean `{other}`? "));
    Failure::new(format!("no bundled client is called `{name}`"))
        .help(format!("{meant}`upward clients` lists them; that of a file ends in `.toml`"))
}

/// The name that is nearest, if any is near.
fn meant<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = known.map(|other| (distance(name, other), other)).filter(|(far, _)| *far <= 2).min();
    near.map(|(_, other)| other)
}

fn unknown(what: &str, name: &str, known: impl Iterator<Item = &'static str> + Clone) -> Failure {
    let meant = meant(name, known.clone());
    let meant = meant.map_or_else(String::new, |other| format!("did you mean `{other}`? "));
    let known: Vec<&str> = known.collect();
    Failure::new(format!("unknown {what} `{name}`"))
        .help(format!("{meant}known {what}s: {}", known.join(", ")))
}

/// How many letters have to be put in, left out, changed or swapped with their neighbour.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut rows = vec![(0..=other.len()).collect::<Vec<usize>>()];
    for i in 1..=one.len() {
        let mut row = vec![i];
        for j in 1..=other.len() {
            let changed = rows[i - 1][j - 1] + usize::from(one[i - 1] != other[j - 1]);
            let mut least = changed.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[one.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_slips_of_the_pen() {
        assert_eq!(distance("smtp", "smtp"), 0);
        assert_eq!(distance("smpt", "smtp"), 1);
        assert_eq!(distance("imap4", "imap"), 1);
        assert_eq!(distance("", "ldap"), 4);
    }

    #[test]
    fn asks_whether_a_near_name_was_meant() {
        let said = |name| protocol(name).map(|p| p.name).map_err(|error| error.to_string());
        assert_eq!(said("mysql"), Ok("mysql"));
        assert!(said("smpt").is_err_and(|text| text.contains("did you mean `smtp`?")));
        assert!(said("gopher").is_err_and(|text| !text.contains("did you mean")));
    }
}
