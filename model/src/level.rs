//! How much a property weighs.

/// How much a property weighs for a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// A broken one fails the vector.
    Must,
    /// A broken one makes the vector weak.
    Should,
    /// The protocol's standards do not give it.
    NotClaimed,
}

impl Level {
    /// The stable name, as in vectors.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Must => "must",
            Self::Should => "should",
            Self::NotClaimed => "not claimed",
        }
    }
}
