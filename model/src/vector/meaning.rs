//! The words for replies and pieces of segments in vectors and traces.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::message::{Mechanism, Piece, Reply, Segment};

/// A piece of a segment in words: `accept`, `line:capabilities-lure`, ...
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Meaning(pub Piece<Reply>);

/// The word for each reply, as in vectors and traces.
const WORDS: [(&str, Reply); 18] = [
    ("greeting", Reply::Greeting),
    ("welcome", Reply::Welcome),
    ("offer", Reply::Capabilities { upgrade: true, mechanism: Mechanism::Own }),
    ("no-offer", Reply::Capabilities { upgrade: false, mechanism: Mechanism::Own }),
    ("offer-with-lure", Reply::Capabilities { upgrade: true, mechanism: Mechanism::Lure }),
    ("no-offer-with-lure", Reply::Capabilities { upgrade: false, mechanism: Mechanism::Lure }),
    ("accept", Reply::Accept),
    ("refuse", Reply::Refuse),
    ("no-login", Reply::Bare),
    ("garbled", Reply::Garbled),
    ("unknown-status", Reply::Unknown),
    ("data", Reply::Data),
    ("challenge", Reply::Challenge),
    ("logged-in", Reply::LoggedIn),
    ("done", Reply::Done),
    ("redirect", Reply::Redirect),
    ("notice", Reply::Notice),
    ("bye", Reply::Bye),
];

impl Reply {
    /// The stable word for it.
    pub fn word(self) -> &'static str {
        WORDS.iter().find(|(_, reply)| *reply == self).map_or("", |(word, _)| word)
    }

    /// The reply with this word.
    pub fn by_word(word: &str) -> Option<Self> {
        WORDS.iter().find(|(other, _)| *other == word).map(|(_, reply)| *reply)
    }
}

impl From<Meaning> for String {
    fn from(Meaning(piece): Meaning) -> Self {
        let word = piece.message().word();
        match piece {
            Piece::Whole(_) => word.to_owned(),
            Piece::Line(_) => format!("line:{word}"),
            Piece::Block(_) => format!("block:{word}"),
        }
    }
}

impl fmt::Display for Segment<Reply> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self.pieces().iter().map(|&piece| Meaning(piece).into()).collect();
        f.write_str(&words.join(" + "))
    }
}

impl TryFrom<String> for Meaning {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (kind, word) = text.split_once(':').unwrap_or(("whole", &text));
        let reply = Reply::by_word(word).ok_or_else(|| format!("unknown reply `{word}`"))?;
        match kind {
            "whole" => Ok(Self(Piece::Whole(reply))),
            "line" => Ok(Self(Piece::Line(reply))),
            "block" => Ok(Self(Piece::Block(reply))),
            _ => Err(format!("unknown kind of piece `{kind}`")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meanings_survive_their_words() {
        for (word, reply) in WORDS {
            assert_eq!(reply.word(), word);
            for piece in [Piece::Whole(reply), Piece::Line(reply), Piece::Block(reply)] {
                let text = String::from(Meaning(piece));
                assert_eq!(Meaning::try_from(text), Ok(Meaning(piece)));
            }
        }
        assert!(Meaning::try_from("block:nothing".to_owned()).is_err());
        assert!(Meaning::try_from("bit:accept".to_owned()).is_err());
    }
}
