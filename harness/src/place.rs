//! Places in texts that people write and the program reads.

/// The line, and the column in characters, of a byte of a text; both counted from 1. A place after the
/// text, or inside a character, becomes the end of the text.
pub(crate) fn of_byte(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// The message of a JSON error without the place, which the error reports separately.
pub(crate) fn json(error: &serde_json::Error) -> String {
    error.to_string().split(" at line ").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_characters() {
        assert_eq!(of_byte("ab\ncd", 0), (1, 1));
        assert_eq!(of_byte("ab\nüd", 5), (2, 2));
        assert_eq!(of_byte("ab\nüd", 4), (2, 3));
        assert_eq!(of_byte("ab\n", 9), (2, 1));
    }

    #[test]
    fn the_place_is_left_out() {
        let error = serde_json::from_str::<u8>("{").unwrap_err();
        assert_eq!(json(&error), "invalid type: map, expected u8");
    }
}
