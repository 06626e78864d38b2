//! Results, and how they are shown: to people, as JSON, as JUnit.

mod human;
mod json;
mod junit;
mod scene;

use std::path::{Path, PathBuf};

use upward_model::protocol::Level;
use upward_model::vector::Vector;

use crate::judge::{Judgement, Verdict};
use crate::process::Ended;
use crate::profile::Trait;
use crate::suite::{Controls, Failed, Job};
use crate::trial::Trial;

pub use self::human::{Detail, by_hand, failure, summary, vectors};
pub use self::json::{RESULTS_FORMAT, Results};
pub use self::junit::to_junit;
pub use self::scene::Line;

/// The exit code of a run that somebody interrupted: 128 and the number of SIGINT, as shells have it.
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
    /// How many of each verdict.
    pub counts: Counts,
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
    /// How long it ran.
    pub duration_ms: u128,
    /// Where its files are.
    pub artefacts: PathBuf,
    /// How to run this vector again.
    pub again: String,
}

/// How many of each verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Nothing that is claimed is broken.
    pub pass: usize,
    /// A `should` is broken.
    pub weak: usize,
    /// A `must` is broken.
    pub fail: usize,
    /// The run said nothing.
    pub inconclusive: usize,
    /// The runner lacks something.
    pub skipped: usize,
    /// A mistake of ours.
    pub error: usize,
    /// Of those that failed or were inconclusive: announced by the client's authors.
    pub announced: usize,
}

impl Counts {
    /// Counts rows.
    pub fn of(rows: &[Row]) -> Self {
        let mut counts = Self::default();
        for row in rows {
            let Some(judgement) = &row.judgement else {
                counts.skipped += 1;
                continue;
            };
            counts.announced += usize::from(row.announced.is_some());
            *match judgement.verdict {
                Verdict::Pass => &mut counts.pass,
                Verdict::Weak => &mut counts.weak,
                Verdict::Fail => &mut counts.fail,
                Verdict::Inconclusive => &mut counts.inconclusive,
                Verdict::Error => &mut counts.error,
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
            counts: Counts::default(),
        }
    }

    /// Takes in the last control.
    pub(crate) fn last_control(&mut self, delivered: bool, reason: &str) {
        if !delivered {
            self.last = Err(reason.to_owned());
        }
    }

    /// The honest control's failure, if it failed.
    pub fn control_failure(&self) -> Option<&Failed> {
        self.controls.honest.as_ref().err()
    }

    /// What the client's authors announce and was not found.
    pub fn broken_announcement(&self) -> Option<&'static str> {
        if self.control_failure().is_some() {
            return None;
        }
        let leaks = |row: &Row| {
            row.announced.is_some()
                && row.judgement.as_ref().is_some_and(|j| j.verdict == Verdict::Fail)
        };
        if self.announced.contains(&Trait::Opportunistic) && !self.rows.iter().any(leaks) {
            Some("it is announced as opportunistic, and was not found leaking")
        } else if self.announced.contains(&Trait::Blind) && self.controls.waits {
            Some("it is announced as blind, and waits for replies")
        } else {
            None
        }
    }

    /// The exit code that it asks for: 0 as expected, 1 where a vector failed, 3 without a verdict,
    /// 130 where it was interrupted.
    pub fn exit_code(&self, strict: bool) -> u8 {
        let unannounced = |row: &&Row, verdict: Verdict| {
            row.announced.is_none() && row.judgement.as_ref().is_some_and(|j| j.verdict == verdict)
        };
        let any = |verdict| self.rows.iter().any(|row| unannounced(&row, verdict));
        let failed = any(Verdict::Fail)
            || any(Verdict::Error)
            || (strict && any(Verdict::Weak))
            || self.broken_announcement().is_some();
        let nothing =
            self.control_failure().is_some() || self.last.is_err() || self.rows.is_empty();
        if self.interrupted {
            INTERRUPTED
        } else if failed {
            1
        } else if nothing || any(Verdict::Inconclusive) {
            3
        } else {
            0
        }
    }
}

impl Row {
    /// The result of a vector that was run.
    pub(crate) fn new(
        vector: &Vector,
        trial: &Trial,
        ended: &Ended,
        directory: &Path,
        judgement: Judgement,
        announced: Option<String>,
        again: String,
    ) -> Self {
        Self {
            vector: vector.clone(),
            scene: scene::scene(trial, vector, &judgement),
            wire: trial.record.render_at_most(WIRE),
            cut: Vec::new(),
            judgement: Some(judgement),
            skipped: None,
            announced,
            exit: ended.exit.to_string(),
            duration_ms: ended.duration.as_millis(),
            artefacts: directory.to_path_buf(),
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
            duration_ms: 0,
            artefacts: PathBuf::new(),
            again: String::new(),
        }
    }

    /// The verdict's name.
    pub fn verdict(&self) -> &'static str {
        self.judgement.as_ref().map_or("skipped", |judgement| judgement.verdict.name())
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
