//! As JSON, for programs.

use schemars::JsonSchema;
use serde::Serialize;
use upward_model::vector::Outcome;

use crate::judge::Verdict;
use crate::report::{Report, Row};

/// The version of the format.
pub const RESULTS_FORMAT: u32 = 1;

/// The results of a suite. Times, ports and canaries are the only things in it that differ from run
/// to run of a client that behaves the same.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Results<'a> {
    /// The version of this format.
    schema: u32,
    /// What made it.
    tool: Named<'a>,
    /// The client.
    client: Named<'a>,
    /// The protocol.
    protocol: &'a str,
    /// The policy.
    policy: &'a str,
    /// Whether the suite was stopped: `results` is what was done before.
    interrupted: bool,
    /// What the controls showed.
    controls: Controls<'a>,
    /// How many of each verdict.
    summary: Summary,
    /// One entry a vector, in order.
    results: Vec<Entry<'a>>,
}

/// A program.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct Named<'a> {
    /// Its name.
    name: &'a str,
    /// Its version, where it is known.
    version: Option<&'a str>,
}

/// What the controls showed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct Controls<'a> {
    /// The first honest server: `delivered`, or what went wrong.
    honest: &'a str,
    /// The last one.
    last: &'a str,
    /// Whether the client waits for replies.
    waits: bool,
    /// Whether its failure looks different from success.
    tells_failure: bool,
    /// Whether it checks certificates against the authority that it is given.
    checks_authority: bool,
}

/// How many of each verdict.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct Summary {
    pass: usize,
    weak: usize,
    fail: usize,
    inconclusive: usize,
    skipped: usize,
    error: usize,
}

/// The result of one vector.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct Entry<'a> {
    /// Its id.
    vector: &'a str,
    /// What it weighs.
    verdict: Weight,
    /// What the run showed; `null` where the vector was skipped.
    outcome: Option<Outcome>,
    /// What sound variants show; for the reader: the verdict does not come from it.
    expected: &'a [Outcome],
    /// Whether the client's authors announce just this.
    announced: bool,
    /// In one sentence.
    reason: Option<&'a str>,
    /// The properties that were broken.
    properties: Vec<&'a str>,
    /// The known mistakes that it looks like.
    flaws: Vec<&'a str>,
    /// The first piece of evidence.
    evidence: Option<Found<'a>>,
    /// What went over the wire, line by line; empty where nothing was found.
    transcript: Vec<&'a str>,
    /// What of the run was not kept, in sentences; empty where everything was.
    cut: Vec<&'a str>,
    /// How long the client ran.
    duration_ms: u64,
    /// How it ended.
    exit: &'a str,
    /// Where its files are.
    artefacts: String,
}

/// A verdict, or that there is none.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Weight {
    /// A `must` property is broken.
    Fail,
    /// A `should` property is broken.
    Weak,
    /// Nothing that is claimed is broken.
    Pass,
    /// The run says nothing.
    Inconclusive,
    /// It was not run.
    Skipped,
    /// The oracles contradict each other: a mistake of ours.
    Error,
}

/// Where a piece of evidence is.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct Found<'a> {
    /// The connection, counted from 1.
    connection: usize,
    /// Where it begins, in what the client sent on that connection in that layer.
    offset: usize,
    /// How many bytes it has.
    length: usize,
    /// Which canary it is, if it is one.
    canary: Option<&'a str>,
    /// In which form.
    form: Option<&'a str>,
}

impl<'a> From<&'a Report> for Results<'a> {
    fn from(report: &'a Report) -> Self {
        let (counts, controls) = (report.counts, &report.controls);
        Self {
            schema: RESULTS_FORMAT,
            tool: Named { name: "upward", version: Some(env!("CARGO_PKG_VERSION")) },
            client: Named { name: &report.client, version: report.version.as_deref() },
            protocol: &report.protocol,
            policy: &report.policy,
            interrupted: report.interrupted,
            controls: Controls {
                honest: controls.honest.as_ref().err().map_or("delivered", |f| &f.reason),
                last: report.last.as_ref().err().map_or("delivered", |reason| reason),
                waits: controls.waits,
                tells_failure: controls.tells,
                checks_authority: controls.checks,
            },
            summary: Summary {
                pass: counts.pass,
                weak: counts.weak,
                fail: counts.fail,
                inconclusive: counts.inconclusive,
                skipped: counts.skipped,
                error: counts.error,
            },
            results: report.rows.iter().map(Entry::from).collect(),
        }
    }
}

impl<'a> From<&'a Row> for Entry<'a> {
    fn from(row: &'a Row) -> Self {
        let judgement = row.judgement.as_ref();
        let verdict = judgement.map_or(Weight::Skipped, |judgement| judgement.verdict.into());
        let evidence = judgement.and_then(|j| j.leaks.first()).map(|leak| Found {
            connection: leak.connection + 1,
            offset: leak.range.start,
            length: leak.range.len(),
            canary: leak.canary.as_ref().map(|(kind, _)| kind.as_str()),
            form: leak.canary.as_ref().map(|(_, form)| form.as_str()),
        });
        let shown = !matches!(verdict, Weight::Pass | Weight::Skipped);
        Self {
            vector: &row.vector.id,
            verdict,
            outcome: judgement.map(|j| j.outcome),
            expected: &row.vector.sound,
            announced: row.announced.is_some(),
            reason: judgement.map_or(row.skipped.as_deref(), |j| Some(&j.reason)),
            properties: judgement
                .into_iter()
                .flat_map(|j| j.broken.iter())
                .map(|p| p.name())
                .collect(),
            flaws: judgement.into_iter().flat_map(|j| &j.flaws).map(|flaw| flaw.name()).collect(),
            evidence,
            transcript: row.wire.lines().filter(|_| shown).map(str::trim).collect(),
            cut: row.cut.iter().map(String::as_str).collect(),
            duration_ms: u64::try_from(row.duration_ms).unwrap_or(u64::MAX),
            exit: &row.exit,
            artefacts: row.artefacts.display().to_string(),
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
