//! A client that keeps running: it is started first, gets its work from another program, and is watched
//! until it reports that the work is done.

use serde::Deserialize;

/// The program that does the work.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Daemon {
    /// Program and arguments, with placeholders; it stays in the foreground.
    pub argv: Vec<String>,
    /// The sign that it is ready for its work.
    pub ready: Sign,
    /// The sign that the work is done, or has failed.
    pub done: Sign,
}

/// A sign in the output of a daemon.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sign {
    /// Texts; any one of them is the sign.
    pub output: Vec<String>,
}

impl Sign {
    /// Whether an output contains the sign.
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
