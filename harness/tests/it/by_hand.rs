//! Runs that were judged by hand: what an expert expects of each, held against the judge.
//!
//! The transcripts were written, or recorded once, without the model; what they expect was written
//! down before the judge was asked.

mod transcript;

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;
use upward::canary::Kind;
use upward::catalogue;
use upward::judge::{Judgement, Question, judge};
use upward_model::explain::Habits;
use upward_model::flaw::Flaw;
use upward_model::policy::Policy;
use upward_model::property::Property;
use upward_model::protocol;
use upward_model::vector::{Certificate, Point};

use self::transcript::Reader;

/// A file of runs.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    run: Vec<Run>,
}

/// One run, and what is expected of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    name: String,
    protocol: String,
    /// The policies of the user's sessions; the last is under test.
    policy: Vec<Policy>,
    /// Whether the client has data to deliver, or only a login to do.
    #[serde(default)]
    only_logs_in: bool,
    /// Whether the client was seen to log in with an honest peer.
    #[serde(default)]
    logs_in: bool,
    /// The point without which the run says nothing.
    reached: Option<Point>,
    /// The flaws that a vector would be about.
    #[serde(default)]
    likely: Vec<String>,
    verdict: String,
    outcome: String,
    /// Flaws that must be among the suspects; none at all if it is empty.
    #[serde(default)]
    looks_like: Vec<String>,
    /// Flaws that must not be among them.
    #[serde(default)]
    not_like: Vec<String>,
    /// Properties that must be broken; none at all if it is empty.
    #[serde(default)]
    breaks: Vec<String>,
    /// What the judge says, word for word, where it matters.
    reason: Option<String>,
    why: String,
    wire: String,
    /// The same vector without what the attacker does in clear, as the client plays it; the run is
    /// compared with it.
    twin: Option<String>,
    /// The certificate that the server shows, where the vector says so.
    certificate: Option<Certificate>,
}

fn runs() -> Vec<Run> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/by_hand");
    let mut files: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    files
        .iter()
        .flat_map(|path| {
            let text = std::fs::read_to_string(path).unwrap();
            let file: File =
                toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            file.run
        })
        .collect()
}

fn judged(run: &Run) -> Judgement {
    let protocol = protocol::by_name(&run.protocol).unwrap();
    let codec = catalogue::by_name(&run.protocol).unwrap().codec();
    let carried = if run.only_logs_in { Kind::Password } else { Kind::Body };
    let read = |wire| Reader::new(protocol, &*codec, &run.policy, carried).read(wire);
    let mut evidence = read(&run.wire);
    evidence.twin = run.twin.as_deref().map(|twin| read(twin).inside);
    evidence.attacked_in_clear = evidence.twin.is_some();
    let likely: Vec<Flaw> = run.likely.iter().map(|name| Flaw::by_name(name).unwrap()).collect();
    let question = Question {
        protocol,
        sessions: &run.policy,
        reached: run.reached,
        likely: &likely,
        habits: Habits { logs_in: run.logs_in, ..Habits::default() },
        certificate: run.certificate,
        reworded: false,
    };
    judge(&question, &evidence)
}

fn complaints(run: &Run) -> Vec<String> {
    let judgement = judged(run);
    let mut complaints = Vec::new();
    let mut expect = |what: &str, expected: &dyn std::fmt::Debug, fine: bool| {
        if !fine {
            complaints.push(format!(
                "{}: {what} {expected:?} was expected ({})\n{judgement:?}",
                run.name, run.why
            ));
        }
    };
    expect("verdict", &run.verdict, judgement.verdict.name() == run.verdict);
    let says = run.reason.as_ref().is_none_or(|reason| *reason == judgement.reason);
    expect("reason", &run.reason, says);
    expect("outcome", &run.outcome, judgement.outcome.name() == run.outcome);
    let flaws: BTreeSet<&str> = judgement.flaws.iter().map(|flaw| flaw.name()).collect();
    expect("each flaw once", &judgement.flaws, flaws.len() == judgement.flaws.len());
    let named = run.looks_like.iter().all(|name| flaws.contains(name.as_str()));
    let silent = run.looks_like.is_empty() && flaws.is_empty();
    expect("flaws", &run.looks_like, named && (silent || !run.looks_like.is_empty()));
    let cleared = run.not_like.iter().all(|name| !flaws.contains(name.as_str()));
    expect("none of", &run.not_like, cleared);
    let properties: Vec<Property> =
        run.breaks.iter().map(|name| Property::by_name(name).unwrap()).collect();
    let broken = properties.iter().all(|&property| judgement.broken.has(property));
    let whole = judgement.broken.iter().next().is_none() && properties.is_empty();
    expect("broken", &run.breaks, broken && (whole || !properties.is_empty()));
    complaints
}

#[test]
fn the_judge_agrees_with_the_expert() {
    let runs = runs();
    assert!(runs.len() >= 20);
    let names: BTreeSet<&str> = runs.iter().map(|run| run.name.as_str()).collect();
    assert_eq!(names.len(), runs.len(), "each run has a name of its own");
    let complaints: Vec<String> = runs.iter().flat_map(complaints).collect();
    assert!(complaints.is_empty(), "{}\n{} in all", complaints.join("\n\n"), complaints.len());
}
