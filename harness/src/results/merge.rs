//! Merges the reports of shards into the report of the whole run.

use std::collections::{BTreeMap, BTreeSet};

use crate::results::data::{DELIVERED, Results};
use crate::results::waived::Record;

/// A report, and its name in errors.
#[derive(Clone, Debug)]
pub struct Part {
    /// The file that it came from.
    pub file: String,
    /// The report.
    pub results: Results,
}

/// Why reports cannot be merged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// They are not of the same run.
    #[error("{one} and {other} are not of the same run of {whom}: they differ in {what}: {values}")]
    Differ {
        /// A file.
        one: String,
        /// Another one.
        other: String,
        /// The client, protocol and policy.
        whom: String,
        /// The field in which they differ.
        what: &'static str,
        /// The value in each of them.
        values: String,
    },
    /// The reports of some shards are missing.
    #[error("{whom}: of {total} shards there is no report of {missing}")]
    Missing {
        /// The client, protocol and policy.
        whom: String,
        /// How many shards there are.
        total: usize,
        /// The missing shards.
        missing: String,
    },
    /// A shard has more than one report.
    #[error("{whom}: shard {shard} is there twice: {one} and {other}")]
    Twice {
        /// The client, protocol and policy.
        whom: String,
        /// The shard.
        shard: String,
        /// A file.
        one: String,
        /// Another one.
        other: String,
    },
    /// There are two whole reports of the same client.
    #[error("{one} and {other} are two whole runs of {whom}: there is nothing to merge")]
    Whole {
        /// A file.
        one: String,
        /// Another one.
        other: String,
        /// The client, protocol and policy.
        whom: String,
    },
}

/// Merges shards of the same run; returns one report for each client, protocol and policy. The order of
/// the parts does not matter.
///
/// # Errors
///
/// If parts are missing, occur twice, or do not belong together.
pub fn merge(parts: Vec<Part>) -> Result<Vec<Results>, MergeError> {
    let mut runs: BTreeMap<(String, String, String), Vec<Part>> = BTreeMap::new();
    for part in parts {
        let Results { client, protocol, policy, .. } = &part.results;
        let run = (client.name.clone(), protocol.clone(), policy.clone());
        runs.entry(run).or_default().push(part);
    }
    runs.into_values().filter_map(|parts| one_run(parts).transpose()).collect()
}

/// The report of one run.
fn one_run(mut parts: Vec<Part>) -> Result<Option<Results>, MergeError> {
    parts.sort_by(|one, other| {
        (one.results.shard, &one.file).cmp(&(other.results.shard, &other.file))
    });
    for pair in parts.windows(2) {
        let [one, other] = pair else { continue };
        belong_together(one, other)?;
    }
    complete(&parts)?;
    let whole = parts.into_iter().map(|part| part.results).reduce(put);
    Ok(whole.map(|mut whole| {
        whole.shard = None;
        whole.results.sort_by(|one, other| one.vector.cmp(&other.vector));
        whole.weigh();
        whole
    }))
}

/// The client, protocol and policy of a report.
fn whom(results: &Results) -> String {
    format!("{} ({}, {})", results.client.name, results.protocol, results.policy)
}

fn belong_together(one: &Part, other: &Part) -> Result<(), MergeError> {
    let (a, b) = (&one.results, &other.results);
    let version = |version: &Option<String>| version.clone().unwrap_or_else(|| "none".to_owned());
    let text = |of: &dyn Fn(&Results) -> String| (of(a), of(b));
    let aspects: [(&'static str, (String, String)); 8] = [
        ("the version of Upward", text(&|r| version(&r.tool.version))),
        ("the client's version", text(&|r| version(&r.client.version))),
        ("what its authors announce", text(&|r| format!("{:?}", r.client.announced))),
        ("`--strict`", text(&|r| r.strict.to_string())),
        ("the selection", text(&|r| selection(r))),
        ("the vectors", text(&|r| r.selection.digest.clone())),
        ("the number of shards", text(&|r| r.shard.map_or(1, |s| s.total).to_string())),
        ("the waivers", text(&|r| waivers(&r.waivers))),
    ];
    let both_whole = a.shard.is_none() && b.shard.is_none();
    for (what, (says, says_other)) in aspects {
        if !both_whole && says != says_other {
            return Err(MergeError::Differ {
                one: one.file.clone(),
                other: other.file.clone(),
                whom: whom(a),
                what,
                values: format!("{says} and {says_other}"),
            });
        }
    }
    let (one, other, whom) = (one.file.clone(), other.file.clone(), whom(a));
    match (a.shard, b.shard) {
        (None, None) => Err(MergeError::Whole { one, other, whom }),
        (Some(shard), Some(same)) if shard == same => {
            Err(MergeError::Twice { whom, shard: shard.to_string(), one, other })
        }
        _ => Ok(()),
    }
}

fn selection(results: &Results) -> String {
    let how = match &results.selection.tier {
        Some(tier) => tier.clone(),
        None => results.selection.filters.join(" "),
    };
    format!("{how} ({} vectors)", results.selection.vectors)
}

/// The waivers as in their file, without their places: the file's name may differ between machines.
fn waivers(records: &[Record]) -> String {
    let said: Vec<String> = records
        .iter()
        .map(|record| {
            let client = record.client.as_deref().unwrap_or("*");
            let expires = record.expires.as_deref().unwrap_or("never");
            format!("`{}` {client} {} {expires}", record.vector, record.outcome.name())
        })
        .collect();
    if said.is_empty() { "none".to_owned() } else { said.join(", ") }
}

fn complete(parts: &[Part]) -> Result<(), MergeError> {
    let Some(first) = parts.first() else { return Ok(()) };
    let Some(shard) = first.results.shard else { return Ok(()) };
    let there: BTreeSet<usize> =
        parts.iter().filter_map(|part| part.results.shard).map(|shard| shard.index).collect();
    let missing: Vec<String> = (1..=shard.total)
        .filter(|index| !there.contains(index))
        .map(|index| format!("{index}/{}", shard.total))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(MergeError::Missing {
        whom: whom(&first.results),
        total: shard.total,
        missing: missing.join(", "),
    })
}

/// Adds a shard to the whole report.
fn put(mut whole: Results, part: Results) -> Results {
    let (mine, its) = (&mut whole.controls, part.controls);
    if mine.honest == DELIVERED && its.honest != DELIVERED {
        mine.honest = its.honest;
        mine.wire = its.wire;
        mine.output = its.output;
    }
    if mine.last == DELIVERED {
        mine.last = its.last;
    }
    mine.waits &= its.waits;
    mine.tells_failure &= its.tells_failure;
    mine.checks_authority &= its.checks_authority;
    mine.reaction_ms = mine.reaction_ms.max(its.reaction_ms);
    whole.interrupted |= part.interrupted;
    for (record, other) in whole.waivers.iter_mut().zip(part.waivers) {
        // The day may have changed between the two runs.
        record.expired |= other.expired;
    }
    whole.results.extend(part.results);
    whole
}
