//! Vectors as cases of a test harness.

use std::sync::{Arc, OnceLock};

use libtest_mimic::{Completion, Failed, Trial};
use upward_model::vector::{Outcome, Vector};

use super::Strictness;
use super::function::Function;
use crate::results::{self, Controls, Row, Weight};
use crate::suite::SuiteError;
use crate::suite::repeat::until_sure;
use crate::suite::subject::Subject as _;
use crate::waiver::{self, Waivers};

/// All cases of a function, and what its first run has shown.
pub(super) struct Suite {
    function: Function,
    name: String,
    strictness: Strictness,
    waivers: Waivers,
    first: OnceLock<Result<(Function, Controls), String>>,
    all: OnceLock<Result<(Function, Controls), String>>,
}

impl Suite {
    pub(super) fn new(
        function: Function,
        name: String,
        strictness: Strictness,
        waivers: Waivers,
    ) -> Self {
        Self { function, name, strictness, waivers, first: OnceLock::new(), all: OnceLock::new() }
    }

    /// The case of a vector.
    pub(super) fn case(suite: &Arc<Self>, vector: Vector) -> Trial {
        let suite = Arc::clone(suite);
        let id = vector.id.clone();
        let ignored = !vector.needs.is_empty();
        Trial::ignorable_test(id, move || suite.run(&vector)).with_ignored_flag(ignored)
    }

    fn run(&self, vector: &Vector) -> Result<Completion, Failed> {
        let (function, controls) = self.first()?;
        let row = block_on(until_sure(function, controls, vector))?;
        let row = self.without_doubt(function, controls, vector, row)?;
        self.tolerate(&row).unwrap_or_else(|| self.weigh(function, &row))
    }

    /// The client, with the result of its run with an honest server.
    fn first(&self) -> Result<&(Function, Controls), &String> {
        let found = self.first.get_or_init(|| {
            let mut function = self.function.clone();
            let controls = block_on(Controls::first(&mut function))?;
            match &controls.honest {
                Ok(()) if controls.tells => Ok((function, controls)),
                Ok(()) => Err("no verdict: the function returns `Ok` where nobody listens, so \
                               what it tells its user cannot be judged"
                    .to_owned()),
                Err(failed) => Err(format!(
                    "no verdict: {}\nwhat went over the wire:\n{}",
                    failed.reason, failed.wire
                )),
            }
        });
        found.as_ref()
    }

    /// Plays a failed case again if the other controls require another judgement; a case that passes
    /// needs no other controls. Accepting any authority is always a failure, since the function is
    /// given the authority to trust.
    fn without_doubt(
        &self,
        function: &Function,
        controls: &Controls,
        vector: &Vector,
        row: Row,
    ) -> Result<Row, Failed> {
        let Some(judgement) = row.judgement.as_ref().filter(|it| !it.broken.is_empty()) else {
            return Ok(row);
        };
        let all = self.all.get_or_init(|| {
            let mut function = function.clone();
            let controls = block_on(controls.clone().rest(&mut function))?;
            Ok((function, controls))
        });
        let (function, controls) = all.as_ref()?;
        // A client that does not wait, or that goes on after the close, may take injected bytes or the
        // close for success, as the control with a silent server shows.
        let is_silent = judgement.outcome == Outcome::Silent;
        if controls.waits && !function.known().goes_on_at_the_end && !is_silent {
            return Ok(row);
        }
        Ok(block_on(until_sure(function, controls, vector))?)
    }

    /// The result of a case about which a waiver decides; `None` if the client fails in another way.
    fn tolerate(&self, row: &Row) -> Option<Result<Completion, Failed>> {
        let waiver = self.waivers.deciding(&self.name, &row.vector, waiver::today())?;
        let shown = row.judgement.as_ref().map(|judgement| judgement.outcome);
        if waiver.outcome.is_shown_by(row.weight(), shown) {
            let said = format!("waived, {}: {}", waiver.outcome.name(), waiver.reason);
            return Some(Ok(Completion::ignored_with(said)));
        }
        (row.weight() == Weight::Pass).then(|| {
            let (place, id) = (&waiver.place, &row.vector.id);
            Err(format!("{place}: {id} passes: remove this waiver, or name only what still fails")
                .into())
        })
    }

    fn weigh(&self, function: &Function, row: &Row) -> Result<Completion, Failed> {
        let failed = match row.weight() {
            Weight::Pass | Weight::Waived => return Ok(Completion::Completed),
            Weight::Skipped => {
                return Ok(Completion::ignored_with(row.skipped.as_deref().unwrap_or_default()));
            }
            Weight::Weak => self.strictness == Strictness::Should,
            Weight::Fail | Weight::Error | Weight::Inconclusive => true,
        };
        if !failed {
            return Ok(Completion::Completed);
        }
        let mut text = results::failure(row, &self.name);
        if let Err(error) = function.keep(&row.vector.id, &row.wire) {
            text.push_str(&format!("  (wire.txt could not be written: {error})\n"));
        }
        Err(text.into())
    }
}

/// Serves a run; the client itself runs on another thread.
fn block_on<T>(run: impl Future<Output = Result<T, SuiteError>>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("no runtime could be had: {error}"))?;
    runtime.block_on(run).map_err(|error: SuiteError| error.to_string())
}
