//! Compares two runs.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use crate::results::data::{Entry, Results, Weight};

/// The changes for one client, protocol and policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The client, protocol and policy, with versions.
    pub whom: String,
    /// Changes for the worse.
    pub worse: Vec<Change>,
    /// Changes for the better.
    pub better: Vec<Change>,
    /// Other changes.
    pub other: Vec<Change>,
    /// How many vectors have the same result.
    pub same: usize,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The vector, or another part of the report that changed.
    pub vector: String,
    /// The old result.
    pub old: String,
    /// The new result.
    pub new: String,
}

/// Compares reports, by client, protocol and policy, and by vector. A client that only one side has is
/// listed as a change that is neither better nor worse.
pub fn compare(old: &[Results], new: &[Results]) -> Vec<Comparison> {
    let key = |results: &Results| {
        (results.client.name.clone(), results.protocol.clone(), results.policy.clone())
    };
    let keys: BTreeSet<_> = old.iter().chain(new).map(key).collect();
    let of = |reports: &[Results], wanted: &(String, String, String)| {
        reports.iter().find(|results| key(results) == *wanted).cloned()
    };
    keys.iter()
        .map(|wanted| match (of(old, wanted), of(new, wanted)) {
            (Some(old), Some(new)) => of_one(&old, &new),
            (old, new) => only_one(wanted, old.is_some(), new.is_some()),
        })
        .collect()
}

fn only_one(
    (client, protocol, policy): &(String, String, String),
    old: bool,
    new: bool,
) -> Comparison {
    let says = |there| if there { "there" } else { "not there" }.to_owned();
    let change = Change { vector: "the client".to_owned(), old: says(old), new: says(new) };
    Comparison {
        whom: format!("{client}: {protocol} under policy {policy}"),
        worse: Vec::new(),
        better: Vec::new(),
        other: vec![change],
        same: 0,
    }
}

fn of_one(old: &Results, new: &Results) -> Comparison {
    let version = |results: &Results| results.client.version.clone().unwrap_or_default();
    let versions = match (version(old), version(new)) {
        (one, other) if one == other && one.is_empty() => String::new(),
        (one, other) if one == other => format!(" ({one})"),
        (one, other) => format!(" ({} -> {})", known(&one), known(&other)),
    };
    let mut found = Comparison {
        whom: format!(
            "{}{versions}: {} under policy {}",
            new.client.name, new.protocol, new.policy
        ),
        worse: Vec::new(),
        better: Vec::new(),
        other: Vec::new(),
        same: 0,
    };
    of_runs(old, new, &mut found);
    let entries = |results: &Results| -> BTreeMap<String, Entry> {
        let entries = results.results.iter();
        entries.map(|entry| (entry.vector.clone(), entry.clone())).collect()
    };
    let (before, after) = (entries(old), entries(new));
    let ids: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let same_vectors = old.selection.digest == new.selection.digest;
    for id in ids {
        let (one, other) = (before.get(id), after.get(id));
        let change = Change { vector: id.clone(), old: said(one), new: said(other) };
        match (one, other) {
            (Some(one), Some(other)) => match trend(one, other) {
                Trend::Same => found.same += 1,
                Trend::Worse => found.worse.push(change),
                Trend::Better => found.better.push(change),
                Trend::Other => found.other.push(change),
            },
            // The selection is the same, but this vector was not played: its result was lost.
            (Some(_), None) if same_vectors => found.worse.push(change),
            _ => found.other.push(change),
        }
    }
    found
}

fn known(version: &str) -> &str {
    if version.is_empty() { "unknown version" } else { version }
}

/// The changes of the run as a whole.
fn of_runs(old: &Results, new: &Results, found: &mut Comparison) {
    let mut lost = |vector: &str, was: bool, is: bool, yes: &str, no: &str| {
        let say = |fine: bool| if fine { yes } else { no }.to_owned();
        let change = Change { vector: vector.to_owned(), old: say(was), new: say(is) };
        match (was, is) {
            (true, false) => found.worse.push(change),
            (false, true) => found.better.push(change),
            _ => {}
        }
    };
    let (was, is) = (old.is_judged(), new.is_judged());
    lost("the honest control", was, is, "delivered", "failed");
    lost("the run", !old.interrupted, !new.interrupted, "finished", "interrupted");
    let (was, is) = (&old.controls, &new.controls);
    lost("waiting for replies", was.waits, is.waits, "yes", "no");
    lost("telling failure", was.tells_failure, is.tells_failure, "yes", "no");
    lost("checking the authority", was.checks_authority, is.checks_authority, "yes", "no");
    let (was, is) = (old.problems.len(), new.problems.len());
    let change = Change {
        vector: "waivers to correct".to_owned(),
        old: was.to_string(),
        new: is.to_string(),
    };
    match is.cmp(&was) {
        Ordering::Greater => found.worse.push(change),
        Ordering::Less => found.better.push(change),
        Ordering::Equal => {}
    }
}

/// How the result of a vector changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trend {
    Same,
    Worse,
    Better,
    Other,
}

/// How a result changed. A result that is now waived or announced is tolerated for a stated reason: it
/// is another result, not a worse one. A result that is now missing or inconclusive is worse than a
/// pass, and no better than a failure.
fn trend(old: &Entry, new: &Entry) -> Trend {
    if (old.verdict, old.outcome, old.announced) == (new.verdict, new.outcome, new.announced) {
        return Trend::Same;
    }
    if is_tolerated(new) {
        return Trend::Other;
    }
    // An error of Upward says nothing about the client; a new one makes the result worse.
    let before = rank(old).filter(|_| old.verdict != Weight::Error);
    match (before, rank(new)) {
        (None, None) => Trend::Other,
        (None, Some(0)) => Trend::Better,
        (None, Some(after)) => {
            if after > 1 {
                Trend::Worse
            } else {
                Trend::Other
            }
        }
        (Some(before), None) => {
            if before > 1 {
                Trend::Other
            } else {
                Trend::Worse
            }
        }
        (Some(before), Some(after)) => match after.cmp(&before) {
            Ordering::Greater => Trend::Worse,
            Ordering::Less => Trend::Better,
            Ordering::Equal if new.verdict == Weight::Pass => Trend::Other,
            // Outcomes are ordered, the worst first.
            Ordering::Equal => match new.outcome.cmp(&old.outcome) {
                Ordering::Less => Trend::Worse,
                Ordering::Greater => Trend::Better,
                Ordering::Equal => Trend::Other,
            },
        },
    }
}

fn is_tolerated(entry: &Entry) -> bool {
    entry.verdict == Weight::Waived || entry.announced
}

/// How bad a result is; `None` if there is none. A tolerated failure is less bad than another one.
fn rank(entry: &Entry) -> Option<u8> {
    match entry.verdict {
        Weight::Pass => Some(0),
        Weight::Weak => Some(1),
        Weight::Waived => Some(2),
        Weight::Fail if entry.announced => Some(2),
        Weight::Fail => Some(3),
        Weight::Error => Some(4),
        Weight::Inconclusive | Weight::Skipped => None,
    }
}

/// A result in words.
fn said(entry: Option<&Entry>) -> String {
    let Some(entry) = entry else { return "not run".to_owned() };
    let announced = if entry.announced { ", announced" } else { "" };
    match entry.outcome {
        Some(outcome) => format!("{} ({}{announced})", entry.verdict.name(), outcome.name()),
        None => entry.verdict.name().to_owned(),
    }
}
