//! What a client printed, in one line.

use crate::evidence::shows_clear_text;
use crate::wire::escape;

/// How many characters of the line are shown.
const SHOWN: usize = 160;

/// The line of a client's output that tells most: the first that repeats what the server said in clear, or
/// else the last; `None` if it printed nothing.
pub(crate) fn telling_line(output: &[u8]) -> Option<String> {
    let lines = || output.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    let line = lines().find(|line| shows_clear_text(line));
    let line = line.or_else(|| lines().rfind(|line| !line.is_empty()))?;
    // Escapes are ASCII: each byte is a character.
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
