//! A client that stays: it is started first, given its work by another program, and watched until it
//! says that the work is done.

use serde::Deserialize;

/// The program that does the work.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Daemon {
    /// Program and arguments, with placeholders; it stays in the foreground.
    pub argv: Vec<String>,
    /// When it can be given its work.
    pub ready: Sign,
    /// When the work is done, or given up.
    pub done: Sign,
}

/// Something that a daemon writes to its output.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sign {
    /// Texts, of which any one is the sign.
    pub output: Vec<String>,
}

impl Sign {
    /// Whether an output has it.
    pub fn is_in(&self, output: &[u8]) -> bool {
        self.output.iter().any(|text| {
            let text = text.as_bytes();
            !text.is_empty() && output.windows(text.len()).any(|window| window == text)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_of_the_texts_is_the_sign() {
        let sign = Sign { output: vec!["status=sent".into(), "status=deferred".into()] };
        assert!(sign.is_in(b"smtp: to=<b>, status=deferred (no)\n"));
        assert!(!sign.is_in(b"smtp: to=<b>, status="));
        assert!(!sign.is_in(b""));
        assert!(!Sign { output: vec![String::new()] }.is_in(b"anything"));
    }
}
