//! "Did you mean": the known name that is most similar to a misspelt one.

use strsim::osa_distance;

/// The most similar known name, if it differs in two letters or fewer. Case is ignored.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let far = |other: &str| osa_distance(&name, &other.to_lowercase());
    let near = known.map(|other| (far(other), other)).filter(|(far, _)| *far <= 2).min();
    near.map(|(_, other)| other)
}

/// A suggestion with a space after it; empty if no name is similar.
pub(crate) fn did_you_mean<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    nearest(name, known).map_or_else(String::new, |other| format!("did you mean `{other}`? "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested_if_it_is_near() {
        let known = || ["smtp", "imap", "pop3"].into_iter();
        assert_eq!(nearest("smpt", known()), Some("smtp"));
        assert_eq!(nearest("IMAP4", known()), Some("imap"));
        assert_eq!(nearest("gopher", known()), None);
        assert_eq!(did_you_mean("pop", known()), "did you mean `pop3`? ");
        assert_eq!(did_you_mean("gopher", known()), "");
    }
}
