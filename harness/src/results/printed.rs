//! The output of a client, in one line.

use crate::evidence::shows_clear_text;
use crate::wire::escape;

/// How many characters of the line are shown.
const SHOWN: usize = 160;

/// The most informative line of a client's output: the first that repeats the server's clear text, else
/// the last; `None` if there is no output.
pub(crate) fn telling_line(output: &[u8]) -> Option<String> {
    let lines = || output.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    let line = lines().find(|line| shows_clear_text(line));
    let line = line.or_else(|| lines().rfind(|line| !line.is_empty()))?;
    // The escaped text is ASCII: each byte is one character.
    let mut text = escape(line);
    if text.len() > SHOWN {
        text.truncate(SHOWN);
        text.push_str("...");
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_said_in_clear_tells_more_than_the_last_line() {
        let output = b"Connecting\n\x1b[1m* LIST () \"/\" \"555-0100\"\r\nDone.\n\n";
        let shown = "\\x1b[1m* LIST () \"/\" \"555-0100\"";
        assert_eq!(telling_line(output).as_deref(), Some(shown));
        assert_eq!(telling_line(b"Connecting\nrefused\n \n").as_deref(), Some("refused"));
        assert_eq!(telling_line(b" \n"), None);
        let long = telling_line(&[0xff; 500]).unwrap();
        assert_eq!((long.len(), &long[SHOWN - 4..]), (SHOWN + 3, "\\xff..."));
    }
}
