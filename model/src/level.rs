//! The weight of a property.

/// The weight of a property for a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// If it is broken, the vector fails.
    Must,
    /// If it is broken, the vector is weak.
    Should,
    /// The protocol's standards do not claim it.
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
