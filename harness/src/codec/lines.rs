//! Lines, as most text protocols have them.

/// The longest line that is waited for; what is longer is cut here and is no line of the protocol.
pub(super) const LONGEST: usize = 64 * 1024;

/// The first line of some bytes, without its end, and how many bytes it takes up. LF ends a line,
/// with or without CR before it.
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

    proptest! {
        #[test]
        fn takes_no_more_than_there_is(bytes: Vec<u8>) {
            if let Some((line, length)) = first(&bytes) {
                prop_assert!(line.len() < length && length <= bytes.len());
            }
        }
    }
}
