//! TLS records, as far as they are needed to tell TLS from clear text.

/// The length of the TLS record at the beginning of some bytes, header included (RFC 8446 section 5.1):
/// a known content type, a 3.x version, a valid length. `None` if there is no record.
pub fn record_length(bytes: &[u8]) -> Option<usize> {
    match bytes {
        // A lone first octet may begin a record: no text protocol has it at the start of a message.
        [0x16] => Some(usize::MAX),
        [0x14..=0x17, 0x03] | [0x14..=0x17, 0x03, 0x00..=0x04] => Some(usize::MAX),
        [0x14..=0x17, 0x03, 0x00..=0x04, _] => Some(usize::MAX),
        [0x14..=0x17, 0x03, 0x00..=0x04, high, low, ..] => {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            (length <= (1 << 14) + 2048).then_some(length + 5)
        }
        _ => None,
    }
}

/// The bytes after the last complete TLS record, if they are not a record.
pub fn clear_tail(mut bytes: &[u8]) -> Option<&[u8]> {
    while let Some(length) = record_length(bytes) {
        bytes = bytes.get(length..)?;
    }
    (!bytes.is_empty()).then_some(bytes)
}

/// Removes clear text and complete TLS records from received bytes, and returns the text. The bytes
/// left are the beginning of an incomplete record.
pub(crate) fn text_of(bytes: &mut Vec<u8>) -> Vec<u8> {
    let (mut text, mut at) = (Vec::new(), 0);
    while let Some(&byte) = bytes.get(at) {
        match record_length(&bytes[at..]) {
            Some(length) if length > bytes.len() - at => break,
            Some(length) => at += length,
            None => {
                text.push(byte);
                at += 1;
            }
        }
    }
    bytes.drain(..at);
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tells_records_from_text() {
        assert_eq!(record_length(&[0x16, 3, 1, 0, 2, 1, 0]), Some(7));
        assert_eq!(record_length(b"EHLO"), None);
        assert_eq!(record_length(&[0x16, 3, 1, 0xff, 0xff]), None);
        assert_eq!(clear_tail(&[0x15, 3, 3, 0, 1, 0, b'E', b'H']), Some(&b"EH"[..]));
        assert_eq!(clear_tail(&[0x15, 3, 3, 0, 1, 0]), None);
        assert_eq!(clear_tail(b"AUTH PLAIN"), Some(&b"AUTH PLAIN"[..]));
    }

    #[test]
    fn text_is_told_from_the_records_around_it() {
        let mut bytes =
            b"\x15\x03\x03\0\x02\x02\x0a+ a\r\n\x16\x03\x03\0\x01\n+ b\r\n\x16\x03".to_vec();
        assert_eq!(text_of(&mut bytes), b"+ a\r\n+ b\r\n");
        assert_eq!(bytes, b"\x16\x03");
        bytes.extend(b"\x03\0\x01\n+ c");
        assert_eq!((text_of(&mut bytes), bytes), (b"+ c".to_vec(), Vec::new()));
    }

    proptest! {
        #[test]
        fn a_tail_is_a_tail(bytes: Vec<u8>) {
            if let Some(tail) = clear_tail(&bytes) {
                prop_assert!(bytes.ends_with(tail) && record_length(tail).is_none());
            }
        }
    }
}
