//! How a stage is told what it is to be.

use serde::{Deserialize, Serialize};

use super::isolation::{Isolation, Peer};

/// The hidden verb: `upward stage SETTING`, with the control stream as standard input; who is to
/// become a client is told its program and arguments, too.
pub(super) const VERB: &str = "stage";

/// What a stage is told on its command line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Setting {
    /// It keeps clients as they are, one after the other.
    Plain,
    /// It makes namespaces, and waits for the stage inside.
    Isolated(Isolation, Peer),
    /// It is the first process inside.
    Inside,
    /// It becomes the client, on a terminal, and watches over no other process.
    Terminal,
}
