//! The user's policy, chosen before the client connects.
//!
//! The policy is an input of the client and never derived from the wire. All else follows from this
//! idea of the GnuTLS manual's page on upward negotiation.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the user asked for, per session.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// Authenticated TLS by in-band upgrade for the name that the user gave, or nothing
    /// (RFC 9325 section 3.2, RFC 8314 section 5.2).
    Required,
    /// The same guarantee on a separate port, where TLS comes first.
    Implicit,
    /// Upgrade where offered; go on in clear on a missing offer, a refusal or a failed handshake;
    /// check no certificate. What mail transfer does.
    Opportunistic,
}

impl Policy {
    /// All policies, strictest first.
    pub const ALL: [Self; 3] = [Self::Required, Self::Implicit, Self::Opportunistic];

    /// Whether the user accepts nothing but authenticated TLS.
    pub const fn needs_tls(self) -> bool {
        matches!(self, Self::Required | Self::Implicit)
    }

    /// The stable name, as in vectors and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Implicit => "implicit",
            Self::Opportunistic => "opportunistic",
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
