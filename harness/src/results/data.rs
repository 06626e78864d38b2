//! The results of a suite as data: written as JSON, read back, merged and compared.
//!
//! All reports of a suite - for people, as JUnit, Markdown, TAP - are made from this one type, so a
//! report merged from shards looks like that of a single run.

mod made;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use upward_model::vector::{Outcome, Tier};

use crate::judge::Verdict;
use crate::profile::Trait;
use crate::results::Counts;
use crate::results::waived::{Problem, Record};
use crate::shard::Shard;

pub use self::made::{Selected, Setup};

/// The version of the format.
pub const RESULTS_FORMAT: u32 = 1;

/// What a control is said to have done when nothing went wrong.
pub(crate) const DELIVERED: &str = "delivered";

/// The results of a suite. Times, ports and canaries are the only things in it that differ from run
/// to run of a client that behaves the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Results {
    /// The version of this format.
    pub schema: u32,
    /// What made it.
    pub tool: Tool,
    /// The client.
    pub client: Client,
    /// The protocol.
    pub protocol: String,
    /// The policy.
    pub policy: String,
    /// Whether `should` properties count, too.
    pub strict: bool,
    /// Which vectors were selected, before they were dealt out to shards.
    pub selection: Selected,
    /// Which share of them this is; `null` where it is all.
    pub shard: Option<Shard>,
    /// Whether the suite was stopped: `results` is what was done before.
    pub interrupted: bool,
    /// What the controls showed.
    pub controls: Controls,
    /// How many of each verdict.
    pub summary: Counts,
    /// The exit code that all this asks for.
    pub exit_code: u8,
    /// The waivers that are about this client, in the order of their file.
    pub waivers: Vec<Record>,
    /// What is wrong with them.
    pub problems: Vec<Problem>,
    /// One entry a vector, in order.
    pub results: Vec<Entry>,
}

/// A program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Option<String>,
}

/// A program under test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Client {
    /// Its name.
    pub name: String,
    /// Its version, where it is known.
    pub version: Option<String>,
    /// What its authors announce.
    pub announced: Vec<Trait>,
}

/// What the controls showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Controls {
    /// The first honest server: `delivered`, or what went wrong.
    pub honest: String,
    /// Whether the client broke a rule there, three times out of three: then nobody need attack it.
    pub broken: bool,
    /// The last one.
    pub last: String,
    /// Whether the client waits for replies.
    pub waits: bool,
    /// Whether its failure looks different from success.
    pub tells_failure: bool,
    /// Whether it checks certificates against the authority that it is given.
    pub checks_authority: bool,
    /// Whether it asks for the capabilities again inside TLS, where it has asked for them in clear.
    #[serde(default = "yes")]
    pub asks_again: bool,
    /// How long it takes to answer, at most.
    pub reaction_ms: u64,
    /// Where the honest control failed: what went over the wire, line by line.
    pub wire: Vec<String>,
    /// Where the honest control failed: what the client wrote, line by line; the end of it.
    pub output: Vec<String>,
}

/// Reports that were written before this was looked at say nothing against the client.
const fn yes() -> bool {
    true
}

/// Reports that were written before say nothing of tiers.
const fn full() -> Tier {
    Tier::Full
}

/// The result of one vector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// Its id.
    pub vector: String,
    /// Its family: the prefix of its attack class, in lower case.
    pub family: String,
    /// The smallest set of vectors that it is in.
    #[serde(default = "full")]
    pub tier: Tier,
    /// What the attacker does.
    pub attack: String,
    /// What it weighs.
    pub verdict: Weight,
    /// What the run showed; `null` where the vector was skipped.
    pub outcome: Option<Outcome>,
    /// What sound variants show; for the reader: the verdict does not come from it.
    pub expected: Vec<Outcome>,
    /// Whether the client's authors announce just this.
    pub announced: bool,
    /// Which of `waivers`, counted from 0, is about this vector, whether it holds or not.
    pub waiver: Option<usize>,
    /// Why: what the client did, as a sentence without its subject; of a vector that was skipped, a whole
    /// sentence.
    pub reason: Option<String>,
    /// Where no sound client of the model explains the run, and it breaks no rule: the first step that no
    /// sound client takes.
    #[serde(default)]
    pub unexplained: Option<String>,
    /// The properties that were broken.
    pub properties: Vec<String>,
    /// The known mistakes that it looks like.
    pub flaws: Vec<String>,
    /// The first piece of evidence.
    pub evidence: Option<Found>,
    /// What went over the wire, line by line; empty where nothing was found.
    pub transcript: Vec<String>,
    /// What people are told of it, line by line; empty where nothing was found.
    pub told: Vec<String>,
    /// What of the run was not kept, in sentences; empty where everything was.
    pub cut: Vec<String>,
    /// How long the client ran.
    pub duration_ms: u64,
    /// How it ended; `null` where nothing was found: which code a client that gives up ends with may hang
    /// on how segments arrive, and reports of the same are to be the same.
    pub exit: Option<String>,
    /// Where its files are.
    pub artefacts: String,
}

/// A verdict, or why there is none.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, PartialOrd, Ord,
)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// A `must` property is broken.
    Fail,
    /// A `should` property is broken.
    Weak,
    /// Nothing that is claimed is broken.
    Pass,
    /// What a waiver says, and tolerates.
    Waived,
    /// The run says nothing.
    Inconclusive,
    /// It was not run.
    Skipped,
    /// The oracles contradict each other: a mistake of ours.
    Error,
}

/// Where a piece of evidence is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Found {
    /// The connection, counted from 1.
    pub connection: usize,
    /// Where it begins, in what the client sent on that connection in that layer.
    pub offset: usize,
    /// How many bytes it has.
    pub length: usize,
    /// Which canary it is, if it is one.
    pub canary: Option<String>,
    /// In which form.
    pub form: Option<String>,
}

/// What is wrong with a file of results.
#[derive(Debug, thiserror::Error)]
pub enum ResultsError {
    /// It is none.
    #[error("{file}:{line}:{column}: {what}")]
    Malformed {
        /// The file.
        file: String,
        /// The line, counted from 1.
        line: usize,
        /// The column, counted from 1.
        column: usize,
        /// What is wrong there, and what was expected.
        what: String,
    },
    /// It is of another version.
    #[error("{file}: results of format {found}, but this program knows format {RESULTS_FORMAT}")]
    Format {
        /// The file.
        file: String,
        /// Its format.
        found: u32,
    },
}

impl Results {
    /// Reads the text of a report; `file` is what it is called in errors.
    ///
    /// # Errors
    ///
    /// Where it is none, with line and column; where it is of another version.
    pub fn parse(file: &str, text: &str) -> Result<Self, ResultsError> {
        let results: Self =
            serde_json::from_str(text).map_err(|error| ResultsError::Malformed {
                file: file.to_owned(),
                line: error.line(),
                column: error.column(),
                what: crate::place::json(&error),
            })?;
        if results.schema != RESULTS_FORMAT {
            return Err(ResultsError::Format { file: file.to_owned(), found: results.schema });
        }
        Ok(results)
    }

    /// The text of the report: two-space JSON without a final line end.
    ///
    /// # Errors
    ///
    /// Where it cannot be written, which no results bring about.
    pub fn to_text(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }
}

impl Weight {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Weak => "weak",
            Self::Pass => "pass",
            Self::Waived => "waived",
            Self::Inconclusive => "inconclusive",
            Self::Skipped => "skipped",
            Self::Error => "error",
        }
    }
}

impl From<Verdict> for Weight {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Fail => Self::Fail,
            Verdict::Weak => Self::Weak,
            Verdict::Pass => Self::Pass,
            Verdict::Inconclusive => Self::Inconclusive,
            Verdict::Error => Self::Error,
        }
    }
}

/// How vectors were chosen: the name of a tier, as in a report.
pub(crate) fn tier_name(tier: Tier) -> &'static str {
    match tier {
        Tier::Smoke => "smoke",
        Tier::Standard => "standard",
        Tier::Full => "full",
    }
}
