//! The setting of a stage: what it is started for.

use serde::{Deserialize, Serialize};

use super::isolation::{Isolation, Peer};

/// The hidden verb: `upward stage SETTING`, with the control stream as standard input. With
/// `Setting::Terminal`, the client's program and arguments follow.
pub(super) const VERB: &str = "stage";

/// The setting on a stage's command line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Setting {
    /// It runs clients without isolation, one after the other.
    Plain,
    /// It makes namespaces, and waits for the stage inside.
    Isolated(Isolation, Peer),
    /// It is the first process inside.
    Inside,
    /// It becomes the client, on a terminal, and watches over no other process.
    Terminal,
}
