//! The words of a client's commands, without the parts that differ from run to run: the verb, and the
//! mechanism that it names.

/// The word for data, or for the answer to a challenge.
pub(crate) const CONTINUED: &str = "(continued)";

/// The verbs of a protocol by which runs are compared.
#[derive(Clone, Copy, Debug)]
pub struct Verbs {
    /// Verbs in the later steps of a command: any other line there is data.
    pub later: &'static [&'static str],
    /// Verbs whose first argument is part of the word, such as a mechanism.
    pub with_argument: &'static [&'static str],
    /// Verbs for goodbye.
    pub goodbye: &'static [&'static str],
    /// Verbs that are followed by data of announced size.
    pub announcing: &'static [&'static str],
}

/// The word of a line that begins with its verb. If the line may continue a command, only a known verb
/// counts; any other line is data.
pub(super) fn plain(said: &[u8], goes_on: bool, verbs: &Verbs) -> String {
    let text = first_line(said);
    let mut words = text.split_ascii_whitespace();
    let verb = words.next().unwrap_or_default();
    if goes_on && !verbs.later.contains(&verb) {
        return CONTINUED.to_owned();
    }
    with_argument(verb, words, verbs)
}

/// The word of a line whose verb follows a tag.
pub(super) fn tagged(said: &[u8], goes_on: bool, verbs: &Verbs) -> String {
    let text = first_line(said);
    let mut words = text.split_ascii_whitespace().skip(1);
    let verb = words.next().unwrap_or_default();
    if goes_on && !verbs.later.contains(&verb) {
        return CONTINUED.to_owned();
    }
    with_argument(verb, words, verbs)
}

/// The first line, in upper case.
fn first_line(said: &[u8]) -> String {
    let line = said.split(|&byte| byte == b'\n').next().unwrap_or_default();
    String::from_utf8_lossy(line).to_ascii_uppercase()
}

fn with_argument<'a>(verb: &str, mut rest: impl Iterator<Item = &'a str>, verbs: &Verbs) -> String {
    if verbs.with_argument.contains(&verb) {
        return format!("{verb} {}", rest.next().unwrap_or_default()).trim_end().to_owned();
    }
    verb.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{Codec, Imap, Smtp};

    #[test]
    fn a_word_holds_nothing_that_differs_from_run_to_run() {
        for (said, goes_on, expected) in [
            ("ehlo client.example\r\n", false, "EHLO"),
            ("AUTH PLAIN AHUAcA==\r\n", false, "AUTH PLAIN"),
            ("AUTH\r\n", false, "AUTH"),
            ("RCPT TO:<a@b>\r\n", true, "RCPT"),
            ("Subject: t\r\n\r\nhello\r\n.\r\n", true, CONTINUED),
            ("dXNlcg==\r\n", true, CONTINUED),
            ("*\r\n", true, "*"),
        ] {
            assert_eq!(plain(said.as_bytes(), goes_on, &Smtp.verbs()), expected, "{said}");
        }
        for (said, goes_on, expected) in [
            ("a7 AUTHENTICATE cram-md5\r\n", false, "AUTHENTICATE CRAM-MD5"),
            ("a8 uid fetch 1 BODY[]\r\n", true, "UID FETCH"),
            ("a9 LOGIN u p\r\n", false, "LOGIN"),
            ("dXNlcg==\r\n", true, CONTINUED),
        ] {
            assert_eq!(tagged(said.as_bytes(), goes_on, &Imap.verbs()), expected, "{said}");
        }
    }
}
