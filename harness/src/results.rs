//! Judgements as data: the results of a client's suite, its exit code, merging reports of several
//! machines, and comparing two runs. Files hold them as JSON.

mod compare;
mod controls;
mod data;
mod exit;
mod failure;
mod faults;
mod merge;
mod printed;
mod problems;
mod transcript;
mod waived;

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use upward_model::vector::Vector;

use crate::judge::Judgement;
use crate::profile::Trait;

pub use self::compare::{Change, Comparison, compare};
pub use self::data::{
    Client, Controls as ControlResults, Entry, Found, RESULTS_FORMAT, Results, ResultsError,
    Selected, Setup, Tool, Weight,
};
pub use self::faults::Fault;
pub use self::merge::{MergeError, Part, merge};
pub use self::waived::{Kind, Problem, Record, Waivable};

#[doc(hidden)]
pub use self::controls::{Controls, Failed};
pub(crate) use self::data::{DELIVERED, tier_name};
#[doc(hidden)]
pub use self::failure::{by_hand, failure};
pub(crate) use self::printed::telling_line;
#[doc(hidden)]
pub use self::transcript::Line;
pub(crate) use self::transcript::transcript;

/// The exit code of a run interrupted by Ctrl-C or SIGTERM: 128 and the number of SIGINT, as in shells.
pub const INTERRUPTED: u8 = 130;

/// How much recorded text is kept with each result: 64 KiB. The rest is in `wire.txt`.
pub(crate) const WIRE: usize = 64 << 10;

/// The results of a suite.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub struct Report {
    /// The client's name.
    pub client: String,
    /// Its version, as printed by itself.
    pub version: Option<String>,
    /// The protocol.
    pub protocol: String,
    /// The policy.
    pub policy: String,
    /// What the client's authors announce.
    pub announced: Vec<Trait>,
    /// The results of the controls.
    pub controls: Controls,
    /// Why the last control failed, if it did.
    pub last: Result<(), String>,
    /// Whether the suite was interrupted: the rows are those finished before.
    pub interrupted: bool,
    /// A row for each vector, in order.
    pub rows: Vec<Row>,
}

/// The result of one vector.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub struct Row {
    /// The vector.
    pub vector: Vector,
    /// The judgement; `None` if the vector was skipped.
    pub judgement: Option<Judgement>,
    /// Why it was skipped.
    pub skipped: Option<String>,
    /// The words of the client's authors, if they announce exactly this result.
    pub announced: Option<String>,
    /// The recorded bytes, as text.
    pub wire: String,
    /// Sentences about data of the run that was not recorded.
    pub cut: Vec<String>,
    /// The lines of the dialogue around the evidence.
    pub transcript: Vec<Line>,
    /// How the client ended.
    pub exit: String,
    /// The most informative line of its output, if there is any.
    pub printed: Option<String>,
    /// How long it ran.
    pub duration_ms: u128,
    /// How many runs showed the same kind of result.
    pub runs: usize,
    /// The folder of its files.
    pub artefacts: PathBuf,
    /// The command that runs this vector again.
    pub again: String,
}

/// How many of each verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Nothing that is claimed is broken.
    pub pass: usize,
    /// A `should` is broken.
    pub weak: usize,
    /// A `must` is broken.
    pub fail: usize,
    /// It is what a waiver says, and tolerates.
    pub waived: usize,
    /// The run said nothing.
    pub inconclusive: usize,
    /// The runner lacks something.
    pub skipped: usize,
    /// A mistake of ours.
    pub error: usize,
    /// Of those that failed or were inconclusive: announced by the client's authors.
    pub announced: usize,
    /// Of those that passed or were inconclusive: runs that no sound client of the model explains.
    #[serde(default)]
    pub unexplained: usize,
}

impl Counts {
    /// Counts verdicts, each with whether the client's authors announce it.
    pub fn of(verdicts: impl Iterator<Item = (Weight, bool)>) -> Self {
        let mut counts = Self::default();
        for (verdict, announced) in verdicts {
            counts.announced += usize::from(announced);
            *match verdict {
                Weight::Pass => &mut counts.pass,
                Weight::Weak => &mut counts.weak,
                Weight::Fail => &mut counts.fail,
                Weight::Waived => &mut counts.waived,
                Weight::Inconclusive => &mut counts.inconclusive,
                Weight::Skipped => &mut counts.skipped,
                Weight::Error => &mut counts.error,
            } += 1;
        }
        counts
    }
}

impl Report {
    /// Adds the result of the last control.
    pub(crate) fn last_control(&mut self, delivered: bool, reason: &str) {
        if !delivered {
            self.last = Err(reason.to_owned());
        }
    }

    /// The exit code without waivers: 0 as expected, 1 if a vector failed, 3 without a verdict, 130 if
    /// interrupted.
    pub fn exit_code(&self, strict: bool) -> u8 {
        Results::of(self, Setup { strict, ..Setup::default() }).exit_code
    }
}

impl Row {
    /// The result of a vector that was not run.
    pub(crate) fn skipped(vector: &Vector, why: &str) -> Self {
        Self {
            vector: vector.clone(),
            judgement: None,
            skipped: Some(why.to_owned()),
            announced: None,
            wire: String::new(),
            cut: Vec::new(),
            transcript: Vec::new(),
            exit: String::new(),
            printed: None,
            duration_ms: 0,
            runs: 0,
            artefacts: PathBuf::new(),
            again: String::new(),
        }
    }

    /// Its verdict.
    pub fn weight(&self) -> Weight {
        self.judgement.as_ref().map_or(Weight::Skipped, |judgement| judgement.verdict.into())
    }
}
