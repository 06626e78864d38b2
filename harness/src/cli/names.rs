//! Looks up names that a user types, and suggests similar names.

use std::path::Path;

use upward_model::flaw::Flaw;
use upward_model::protocol::{PROTOCOLS, Protocol, by_name};

use crate::cli::Failure;
use crate::suggestions::did_you_mean;

/// A protocol by its name, which some write in capitals.
pub(crate) fn protocol(name: &str) -> Result<&'static Protocol, Failure> {
    by_name(&name.to_ascii_lowercase())
        .ok_or_else(|| unknown("protocol", name, PROTOCOLS.iter().map(|p| p.name)))
}

/// A flaw by its name.
pub(super) fn flaw(name: &str) -> Result<Flaw, Failure> {
    Flaw::by_name(name)
        .ok_or_else(|| unknown("flaw", name, Flaw::ALL.iter().map(|flaw| flaw.name())))
}

/// No bundled client has this name.
pub(super) fn no_such_client<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Failure {
    let meant = did_you_mean(name, known);
    Failure::new(format!("no bundled client is called `{name}`"))
        .help(format!("{meant}`upward clients` lists them; that of a file ends in `.toml`"))
}

/// The script of a command whose program only reads it.
pub(super) fn script(command: &[String]) -> Option<&String> {
    command.get(1).filter(|word| Path::new(word).is_file())
}

fn unknown(what: &str, name: &str, known: impl Iterator<Item = &'static str> + Clone) -> Failure {
    let meant = did_you_mean(name, known.clone());
    let known: Vec<&str> = known.collect();
    Failure::new(format!("unknown {what} `{name}`"))
        .help(format!("{meant}known {what}s: {}", known.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_whether_a_near_name_was_meant() {
        let said = |name| protocol(name).map(|p| p.name).map_err(|error| error.to_string());
        assert_eq!(said("mysql"), Ok("mysql"));
        assert_eq!(said("SMTP"), Ok("smtp"));
        assert!(said("smpt").is_err_and(|text| text.contains("did you mean `smtp`?")));
        assert!(said("gopher").is_err_and(|text| !text.contains("did you mean")));
    }
}
