//! The results of waivers: the vectors that each decided about, and its problems.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use upward_model::vector::Outcome;

/// What can be waived: an outcome that fails or is weak, or that the run says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Waivable {
    /// A secret went out outside authenticated TLS.
    Leaked,
    /// The client acted on clear-text bytes as if they were protected.
    Injected,
    /// Traffic of a session that needs TLS went on outside it; no secret was seen.
    Downgraded,
    /// The client crashed.
    Crashed,
    /// The client was still alive after the peer had closed and the deadline had passed.
    Hung,
    /// It gave up safely, but its user cannot tell.
    Silent,
    /// It gave up and said so, and broke a rule before.
    Refused,
    /// It delivered inside authenticated TLS, and broke a rule before.
    Upgraded,
    /// The run says nothing.
    Inconclusive,
}

impl Waivable {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self.outcome() {
            Some(outcome) => outcome.name(),
            None => "inconclusive",
        }
    }

    /// The outcome; `None` where the run says nothing.
    pub const fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Leaked => Some(Outcome::Leaked),
            Self::Injected => Some(Outcome::Injected),
            Self::Downgraded => Some(Outcome::Downgraded),
            Self::Crashed => Some(Outcome::Crashed),
            Self::Hung => Some(Outcome::Hung),
            Self::Silent => Some(Outcome::Silent),
            Self::Refused => Some(Outcome::Refused),
            Self::Upgraded => Some(Outcome::Upgraded),
            Self::Inconclusive => None,
        }
    }
}

/// A waiver that is about the client of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// Where it is written: file and line.
    pub place: String,
    /// The vectors that it is about: an id, or a pattern.
    pub vector: String,
    /// The clients that it is about: a name, or a pattern; `null` for every one.
    pub client: Option<String>,
    /// What it waives.
    pub outcome: Waivable,
    /// Why that is tolerated.
    pub reason: String,
    /// Where it is dealt with.
    pub issue: Option<String>,
    /// The last day on which it holds.
    pub expires: Option<String>,
    /// Whether that day was over: then it waives nothing.
    pub expired: bool,
    /// How many vectors of this protocol and policy it names, of every tier.
    pub named: usize,
    /// How many of these were selected, before they were dealt out to shards.
    pub selected: usize,
    /// Whether it names vectors of another protocol or policy.
    pub elsewhere: bool,
}

/// Something that is wrong with a waiver. It fails the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// Where the waiver is written: file and line.
    pub place: String,
    /// What kind of thing it is.
    pub kind: Kind,
    /// In one sentence.
    pub what: String,
    /// The vectors that show it.
    pub vectors: Vec<String>,
    /// What to do about it.
    pub help: String,
}

/// What can be wrong with a waiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// It names nothing, or nothing that was run.
    Unused,
    /// Its last day is over.
    Expired,
    /// What it names fails in another way.
    Contradicted,
    /// What it names passes.
    Passing,
}

impl Kind {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unused => "unused",
            Self::Expired => "expired",
            Self::Contradicted => "contradicted",
            Self::Passing => "passing",
        }
    }
}
