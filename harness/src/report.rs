//! Results, and how they are shown: to people, as JSON, JUnit, Markdown and TAP.

mod compare;
mod controls;
mod exit;
mod failure;
mod faults;
mod human;
mod json;
mod junit;
mod markdown;
mod matrix;
mod merge;
mod page;
mod printed;
mod scene;
mod tap;
mod waived;

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use upward_model::protocol::Level;
use upward_model::vector::Vector;

use crate::judge::Judgement;
use crate::profile::Trait;
use crate::suite::subject::Launched;
use crate::suite::{Controls, Job};

pub use self::compare::{Change, Comparison, compare};
pub use self::controls::controls;
pub use self::failure::{by_hand, failure};
pub use self::faults::Fault;
pub use self::human::{Detail, summary, vectors};
pub(crate) use self::json::tier_name;
pub use self::json::{
    Client, Controls as ControlResults, Entry, Found, RESULTS_FORMAT, Results, ResultsError,
    Selected, Setup, Tool, Weight,
};
pub use self::junit::to_junit;
pub use self::markdown::to_markdown;
pub use self::matrix::matrix;
pub use self::merge::{MergeError, Part, merge};
pub use self::page::to_page;
pub(crate) use self::printed::telling_line;
pub use self::scene::Line;
pub(crate) use self::scene::scene;
pub use self::tap::to_tap;
pub use self::waived::{Kind, Problem, Record};

/// The exit code of a run that was interrupted, by Ctrl-C or SIGTERM: 128 and the number of SIGINT, as shells have it.
pub const INTERRUPTED: u8 = 130;

/// How much of what went over the wire is kept with each result: 64 KiB. The rest is in `wire.txt`.
pub(crate) const WIRE: usize = 64 << 10;

/// The results of a suite.
#[derive(Clone, Debug)]
pub struct Report {
    /// The client's name.
    pub client: String,
    /// Its version, as it says itself.
    pub version: Option<String>,
    /// The protocol.
    pub protocol: String,
    /// The policy.
    pub policy: String,
    /// What the client's authors announce.
    pub announced: Vec<Trait>,
    /// What the controls showed.
    pub controls: Controls,
    /// Why the last control failed, if it did.
    pub last: Result<(), String>,
    /// Whether somebody stopped the suite: the rows are of what was done before.
    pub interrupted: bool,
    /// A row for each vector, in order.
    pub rows: Vec<Row>,
}

/// The result of one vector.
#[derive(Clone, Debug)]
pub struct Row {
    /// The vector.
    pub vector: Vector,
    /// The judgement; `None` where the vector was skipped.
    pub judgement: Option<Judgement>,
    /// Why it was skipped.
    pub skipped: Option<String>,
    /// Where the client's authors announce just this: what they say.
    pub announced: Option<String>,
    /// What went over the wire, for people.
    pub wire: String,
    /// What of the run was not kept, in sentences: a client may say, write or leave anything.
    pub cut: Vec<String>,
    /// The lines of the dialogue around the evidence.
    pub scene: Vec<Line>,
    /// How the client ended.
    pub exit: String,
    /// The line of its output that tells most, if it printed any.
    pub printed: Option<String>,
    /// How long it ran.
    pub duration_ms: u128,
    /// Where its files are.
    pub artefacts: PathBuf,
    /// How to run this vector again.
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
    /// The report of a job whose controls have been run.
    pub(crate) fn new(job: &Job, controls: &Controls) -> Self {
        Self {
            client: job.profile.name.clone(),
            version: None,
            protocol: job.protocol.name.to_owned(),
            policy: job.policy.name().to_owned(),
            announced: job.profile.announced.clone(),
            controls: controls.clone(),
            last: Ok(()),
            interrupted: false,
            rows: Vec::new(),
        }
    }

    /// Takes in the last control.
    pub(crate) fn last_control(&mut self, delivered: bool, reason: &str) {
        if !delivered {
            self.last = Err(reason.to_owned());
        }
    }

    /// The exit code that it asks for where nothing is waived: 0 as expected, 1 where a vector failed,
    /// 3 without a verdict, 130 where it was interrupted.
    pub fn exit_code(&self, strict: bool) -> u8 {
        Results::of(self, Setup { strict, ..Setup::default() }).exit_code
    }
}

impl Row {
    /// The result of a vector that was run.
    pub(crate) fn new(
        vector: &Vector,
        launched: &Launched,
        judgement: Judgement,
        announced: Option<String>,
        again: String,
    ) -> Self {
        Self {
            vector: vector.clone(),
            scene: scene(&launched.trial, Some(vector), &judgement),
            wire: launched.trial.record.render_at_most(WIRE),
            cut: launched.cut.clone(),
            judgement: Some(judgement),
            skipped: None,
            announced,
            exit: launched.exit.clone(),
            printed: telling_line(&launched.output),
            duration_ms: launched.duration.as_millis(),
            artefacts: launched.directory.clone(),
            again,
        }
    }

    /// The result of a vector that was not run.
    pub(crate) fn skipped(vector: &Vector, why: &str) -> Self {
        Self {
            vector: vector.clone(),
            judgement: None,
            skipped: Some(why.to_owned()),
            announced: None,
            wire: String::new(),
            cut: Vec::new(),
            scene: Vec::new(),
            exit: String::new(),
            printed: None,
            duration_ms: 0,
            artefacts: PathBuf::new(),
            again: String::new(),
        }
    }

    /// Its verdict.
    pub fn weight(&self) -> Weight {
        self.judgement.as_ref().map_or(Weight::Skipped, |judgement| judgement.verdict.into())
    }
}

/// The worst broken property of a row, with its level and source.
fn worst(row: &Row) -> Option<(upward_model::property::Property, Level, &'static str)> {
    let judgement = row.judgement.as_ref()?;
    let protocol = upward_model::protocol::by_name(&row.vector.peer.persona)?;
    let mut broken: Vec<_> = judgement.broken.iter().collect();
    broken.sort_by_key(|property| protocol.level(*property).0);
    let property = *broken.first()?;
    let (level, source) = protocol.level(property);
    Some((property, level, source))
}
