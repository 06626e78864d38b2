//! What was meant by a name that is nobody's.

use strsim::osa_distance;

/// The known name that is nearest, if any is near; the case of letters is no difference.
fn meant<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let far = |other: &str| osa_distance(&name, &other.to_lowercase());
    let near = known.map(|other| (far(other), other)).filter(|(far, _)| *far <= 2).min();
    near.map(|(_, other)| other)
}

/// The question whether that was meant, with a blank behind it; nothing where no name is near.
pub(crate) fn did_you_mean<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    meant(name, known).map_or_else(String::new, |other| format!("did you mean `{other}`? "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_meant_if_it_is_near() {
        let known = || ["smtp", "imap", "pop3"].into_iter();
        assert_eq!(meant("smpt", known()), Some("smtp"));
        assert_eq!(meant("IMAP4", known()), Some("imap"));
        assert_eq!(meant("gopher", known()), None);
        assert_eq!(did_you_mean("pop", known()), "did you mean `pop3`? ");
        assert_eq!(did_you_mean("gopher", known()), "");
    }
}
