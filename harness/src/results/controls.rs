//! What the controls of a client showed, as data.

use std::collections::BTreeSet;
use std::time::Duration;

use upward_model::vector::Point;

/// What the controls showed.
#[derive(Clone, Debug)]
pub struct Controls {
    /// The honest peer: delivered, or why not.
    pub honest: Result<(), Failed>,
    /// Whether the client waits for replies; one that types without reading is blind.
    pub waits: bool,
    /// Whether a failure looks different from success.
    pub tells: bool,
    /// Whether it checks certificates against the authority that it is given.
    pub checks: bool,
    /// Whether it asks for the capabilities inside TLS if it has asked for them in clear, as it should (RFC
    /// 3207 section 4.2, RFC 9051 section 6.2.1, RFC 2595 section 4).
    pub asks_again: bool,
    /// The points that it comes to with an honest server.
    pub reached: BTreeSet<Point>,
    /// How long it takes to answer, at most.
    pub reaction: Duration,
}

/// Why the honest control failed.
#[derive(Clone, Debug)]
pub struct Failed {
    /// In one sentence.
    pub reason: String,
    /// Whether a rule was broken, each time that the control was run: such a client breaks it without an attack.
    pub broken: bool,
    /// What went over the wire.
    pub wire: String,
    /// What the client wrote, the end of it.
    pub output: String,
}
