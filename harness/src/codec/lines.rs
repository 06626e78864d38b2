//! Lines of text protocols.

/// The longest line in bytes. A longer line is cut here, and the cut line is not of the protocol.
pub(super) const LONGEST: usize = 64 * 1024;

/// The first line of some bytes without its end, and its length with the end. LF ends a line, with or
/// without CR before it.
pub(super) fn first(bytes: &[u8]) -> Option<(&[u8], usize)> {
    match bytes.iter().take(LONGEST).position(|&byte| byte == b'\n') {
        Some(end) => {
            let line = bytes[..end].strip_suffix(b"\r").unwrap_or(&bytes[..end]);
            Some((line, end + 1))
        }
        None if bytes.len() >= LONGEST => Some((&bytes[..LONGEST], LONGEST)),
        None => None,
    }
}

/// A line as text, for comparison: upper case, trimmed at its end.
pub(super) fn upper(line: &[u8]) -> String {
    String::from_utf8_lossy(line).trim_end().to_uppercase()
}

/// The words of a line. Like real servers, treats any number of spaces and tabs as one separator, and
/// skips them at the beginning.
pub(super) fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}

/// The first word of a text, and the text after the following blanks.
pub(super) fn verb(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let (verb, rest) = text.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((text, ""));
    (verb, rest.trim_start())
}

/// A text of a vector with the protocol's line ends.
pub(super) fn with_ends(text: &str, end: &str) -> Vec<u8> {
    text.replace('\n', end).into_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cuts_at_lf_and_forgives_a_missing_cr() {
        assert_eq!(first(b"a\r\nb"), Some((&b"a"[..], 3)));
        assert_eq!(first(b"a\nb"), Some((&b"a"[..], 2)));
        assert_eq!(first(b"a\r"), None);
        assert_eq!(first(&[b'x'; LONGEST + 1]).map(|(_, length)| length), Some(LONGEST));
    }

    #[test]
    fn blanks_between_words_count_as_one() {
        assert_eq!(verb("AUTH  CRAM-MD5"), ("AUTH", "CRAM-MD5"));
        assert_eq!(verb(" STARTTLS"), ("STARTTLS", ""));
        assert_eq!(
            words(b"AUTH \t PLAIN  AGE=").collect::<Vec<_>>(),
            [&b"AUTH"[..], b"PLAIN", b"AGE="]
        );
        assert_eq!(words(b"  ").count(), 0);
    }

    proptest! {
        #[test]
        fn takes_no_more_than_there_is(bytes: Vec<u8>) {
            if let Some((line, length)) = first(&bytes) {
                prop_assert!(line.len() < length && length <= bytes.len());
            }
        }
    }
}
