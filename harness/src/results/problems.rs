//! The problems of the waivers of a report.

use upward_model::vector::Outcome;

use crate::results::data::{Entry, Results, Weight};
use crate::results::waived::{Kind, Problem, Record, Waivable};
use crate::vectors::Retired;

impl Waivable {
    /// Whether a result has the waived outcome. An error of Upward cannot be waived, and a pass need
    /// not be.
    pub(crate) fn is_shown_by(self, verdict: Weight, shown: Option<Outcome>) -> bool {
        match self.outcome() {
            None => verdict == Weight::Inconclusive,
            waived => matches!(verdict, Weight::Fail | Weight::Weak) && shown == waived,
        }
    }
}

/// The problems of the waivers of a report, in their order.
///
/// A waiver is reported as unused only if all vectors that it names were selected and played. After a
/// filter, in a smaller tier, in one shard of several, or after an interruption, this is unknown. A
/// waiver that names no existing vector is always a problem.
pub(super) fn problems(results: &Results) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, record) in results.waivers.iter().enumerate() {
        let decided: Vec<&Entry> =
            results.results.iter().filter(|entry| entry.waiver == Some(index)).collect();
        problems.extend(of_record(record, &decided, results.is_finished()));
    }
    problems
}

fn of_record(record: &Record, decided: &[&Entry], finished: bool) -> Vec<Problem> {
    let problem = |kind, what: String, vectors: Vec<String>, help: &str| Problem {
        place: record.place.clone(),
        kind,
        what,
        vectors,
        help: help.to_owned(),
    };
    let name = &record.vector;
    if record.named == 0 && !record.elsewhere {
        let what = match Retired::committed().summary(name) {
            Some(summary) => format!("`{name}` is retired; it was: {summary}"),
            None => format!("`{name}` names no vector that there is"),
        };
        let help = "remove this waiver, or correct the name: `upward vectors list` shows the ids";
        return vec![problem(Kind::Unused, what, Vec::new(), help)];
    }
    if record.expired {
        if record.selected == 0 {
            return Vec::new();
        }
        let last = record.expires.as_deref().unwrap_or_default();
        let what = format!("the last day of the waiver of `{name}` was {last}");
        let help = "mend what it waives and remove it; or, if that has to wait, give it a new date";
        return vec![problem(Kind::Expired, what, Vec::new(), help)];
    }
    let mut problems = Vec::new();
    let is_run = |entry: &&&Entry| entry.verdict != Weight::Skipped;
    let all_selected = record.named > 0 && record.selected == record.named;
    if finished && all_selected && decided.iter().filter(is_run).count() == 0 {
        let what = if decided.is_empty() {
            format!("waivers before it decide about all that `{name}` names")
        } else {
            format!("all that `{name}` names was skipped")
        };
        problems.push(problem(Kind::Unused, what, Vec::new(), "remove this waiver"));
    }
    let of = |verdicts: &[Weight]| -> Vec<&Entry> {
        decided.iter().copied().filter(|entry| verdicts.contains(&entry.verdict)).collect()
    };
    let ids = |entries: &[&Entry]| entries.iter().map(|entry| entry.vector.clone()).collect();
    let otherwise = of(&[Weight::Fail, Weight::Weak]);
    if let Some(first) = otherwise.first() {
        let shown = first.outcome.map_or("nothing", |outcome| outcome.name());
        let waived = record.outcome.name();
        let what = if otherwise.len() == 1 {
            format!("{} shows `{shown}`, and `{waived}` is waived", first.vector)
        } else {
            format!("{} vectors do not show `{waived}`, which is waived", otherwise.len())
        };
        let help = "mend the client, or say in the waiver what it does now, and why";
        problems.push(problem(Kind::Contradicted, what, ids(&otherwise), help));
    }
    let passing = of(&[Weight::Pass]);
    if let Some(first) = passing.first() {
        let what = if passing.len() == 1 {
            format!("{} passes", first.vector)
        } else {
            format!("{} vectors pass", passing.len())
        };
        let all = passing.len() == decided.len();
        let help = if all { "remove this waiver" } else { "name only what still fails" };
        problems.push(problem(Kind::Passing, what, ids(&passing), help));
    }
    problems
}
