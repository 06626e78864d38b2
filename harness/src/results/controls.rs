//! The results of a client's controls, as data.

use std::collections::BTreeSet;
use std::time::Duration;

use upward_model::vector::Point;

/// The results of the controls.
#[derive(Clone, Debug)]
pub struct Controls {
    /// The honest server: delivered, or why not.
    pub honest: Result<(), Failed>,
    /// Whether the client waits for replies; if not, it is blind.
    pub waits: bool,
    /// Whether a failure looks different from success.
    pub tells: bool,
    /// Whether it checks certificates against the given authority.
    pub checks: bool,
    /// Whether it asks for the capabilities again inside TLS, if it has asked for them in clear. It
    /// should (RFC 3207 section 4.2, RFC 9051 section 6.2.1, RFC 2595 section 4).
    pub asks_again: bool,
    /// The points that it reaches with an honest server.
    pub reached: BTreeSet<Point>,
    /// The longest time that it takes to answer.
    pub reaction: Duration,
}

/// Why the honest control failed.
#[derive(Clone, Debug)]
pub struct Failed {
    /// The reason, in one sentence.
    pub reason: String,
    /// True if the client broke a rule in every honest run (no attacker needed).
    pub broken: bool,
    /// The recorded bytes, as text.
    pub wire: String,
    /// The end of the client's output.
    pub output: String,
}
