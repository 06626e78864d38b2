//! Results as a suite would make them, without one; shared by tests of reports and of waivers.
#![allow(dead_code, reason = "each test uses some of it")]

use std::sync::LazyLock;

use upward::results::{
    Client, ControlResults, Entry, RESULTS_FORMAT, Results, Selected, Tool, Weight,
};
use upward::shard::Shard;
use upward::vectors::committed;
use upward_model::policy::Policy;
use upward_model::vector::{Outcome, Vector};

/// The vectors of SMTP.
pub(crate) fn vectors() -> &'static [Vector] {
    static VECTORS: LazyLock<Vec<Vector>> = LazyLock::new(|| committed("smtp").unwrap().vectors);
    &VECTORS
}

/// Those of them that a run of `smoke` under `required` selects.
pub(crate) fn smoke() -> Vec<Vector> {
    let smoke = upward_model::vector::Tier::Smoke;
    let selected = |vector: &Vector| vector.tier == smoke && vector.policy == Policy::Required;
    vectors().iter().filter(|vector| selected(vector)).cloned().collect()
}

/// The result of a vector.
pub(crate) fn entry(vector: &Vector, verdict: Weight, outcome: Outcome) -> Entry {
    let found = !matches!(verdict, Weight::Pass | Weight::Skipped);
    let reason = match verdict {
        Weight::Pass => "gave up and said so (exit code 5)",
        Weight::Skipped => "it needs a second session of the same running program",
        Weight::Inconclusive => "not the same each time",
        _ => "sent a secret in clear",
    };
    let lines = |lines: &[&str]| -> Vec<String> {
        lines.iter().filter(|_| found).map(|line| (*line).to_owned()).collect()
    };
    let shown = format!("{}  {}  {}", verdict.name().to_uppercase(), outcome.name(), vector.id);
    Entry {
        vector: vector.id.clone(),
        family: vector.family(),
        tier: vector.tier,
        attack: vector.summary.clone(),
        verdict,
        outcome: (verdict != Weight::Skipped).then_some(outcome),
        expected: vector.sound.clone(),
        announced: false,
        waiver: None,
        reason: Some(reason.to_owned()),
        unexplained: None,
        properties: lines(&["no-secret-in-clear"]),
        flaws: lines(&["ignores-refusal"]),
        evidence: None,
        transcript: lines(&["CLIENT: AUTH PLAIN"]),
        told: lines(&[&shown, "  dialogue", "    | CLIENT: ```AUTH``` <a@x.test> # | &amp;"]),
        cut: Vec::new(),
        duration_ms: 12,
        exit: Some("exit code 5".to_owned()),
        artefacts: "target/upward/x".to_owned(),
    }
}

/// The results of a whole run over these vectors, weighed.
pub(crate) fn whole(client: &str, selected: &[Vector], entries: Vec<Entry>) -> Results {
    let results = Results {
        schema: RESULTS_FORMAT,
        tool: Tool { name: "upward".to_owned(), version: Some("0.1.0".to_owned()) },
        client: Client {
            name: client.to_owned(),
            version: Some("1.0".to_owned()),
            announced: Vec::new(),
        },
        protocol: "smtp".to_owned(),
        policy: "required".to_owned(),
        strict: false,
        selection: Selected::of(selected, Some(upward_model::vector::Tier::Smoke), &[]),
        shard: None,
        interrupted: false,
        controls: ControlResults {
            honest: "delivered".to_owned(),
            broken: false,
            last: "delivered".to_owned(),
            waits: true,
            tells_failure: true,
            checks_authority: true,
            asks_again: true,
            reaction_ms: 3,
            wire: Vec::new(),
            output: Vec::new(),
        },
        summary: upward::results::Counts::default(),
        exit_code: 0,
        waivers: Vec::new(),
        problems: Vec::new(),
        results: entries,
    };
    weighed(results)
}

/// Computes anew what follows from the rest.
pub(crate) fn weighed(mut results: Results) -> Results {
    results.weigh();
    results
}

/// A run over `smoke` in which everything passes but for what is said here.
pub(crate) fn run(client: &str, but: &[(&str, Weight, Outcome)]) -> Results {
    let selected = smoke();
    let entries = selected
        .iter()
        .map(|vector| match but.iter().find(|(id, ..)| *id == vector.id) {
            Some((_, verdict, outcome)) => entry(vector, *verdict, *outcome),
            None => entry(vector, Weight::Pass, Outcome::Refused),
        })
        .collect();
    whole(client, &selected, entries)
}

/// What this shard of a run would have reported.
pub(crate) fn part_of(whole: &Results, shard: Shard) -> Results {
    let mut part = whole.clone();
    part.shard = Some(shard);
    let results = std::mem::take(&mut part.results);
    let mine = |(rank, _): &(usize, Entry)| shard.has(*rank);
    part.results = results.into_iter().enumerate().filter(mine).map(|(_, entry)| entry).collect();
    weighed(part)
}
