//! Creates results from the report of a suite.

use ring::digest::{Context, SHA256};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use upward_model::vector::{Tier, Vector};

use crate::results::data::{
    Client, Controls, DELIVERED, Entry, Found, RESULTS_FORMAT, Results, Tool, Weight, tier_name,
};
use crate::results::{Counts, Report, Row, failure};
use crate::shard::Shard;

/// How many lines of the recorded bytes are kept for a failed honest control.
const WIRE: usize = 40;

/// Which vectors were selected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Selected {
    /// The tier, where nothing was filtered.
    pub tier: Option<String>,
    /// The patterns of ids; none where a tier was played.
    pub filters: Vec<String>,
    /// How many there are.
    pub vectors: usize,
    /// SHA-256 of the vectors, in the order of their ids: two reports with the same one are about
    /// the same vectors, word for word.
    pub digest: String,
}

/// How the vectors of a suite were selected, and how its failures are weighed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setup {
    /// Whether `should` properties count, too.
    pub strict: bool,
    /// The selected vectors, before they were divided into shards.
    pub selection: Selected,
    /// The share of them that was played; all if `None`.
    pub shard: Option<Shard>,
}

impl Selected {
    /// A selection with these vectors; `tier` and `filters` are how they were chosen.
    pub fn of(vectors: &[Vector], tier: Option<Tier>, filters: &[String]) -> Self {
        let mut sorted: Vec<&Vector> = vectors.iter().collect();
        sorted.sort_by(|one, other| one.id.cmp(&other.id));
        let mut context = Context::new(&SHA256);
        for vector in sorted {
            context.update(&serde_json::to_vec(vector).unwrap_or_default());
            context.update(b"\n");
        }
        let digest = context.finish();
        Self {
            tier: tier.filter(|_| filters.is_empty()).map(|tier| tier_name(tier).to_owned()),
            filters: filters.to_vec(),
            vectors: vectors.len(),
            digest: digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }
}

impl Results {
    /// The results of a suite.
    pub fn of(report: &Report, setup: Setup) -> Self {
        let controls = &report.controls;
        let failed = controls.honest.as_ref().err();
        let mut results = Self {
            schema: RESULTS_FORMAT,
            tool: Tool {
                name: "upward".to_owned(),
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            },
            client: Client {
                name: report.client.clone(),
                version: report.version.clone(),
                announced: report.announced.clone(),
            },
            protocol: report.protocol.clone(),
            policy: report.policy.clone(),
            strict: setup.strict,
            selection: setup.selection,
            shard: setup.shard,
            interrupted: report.interrupted,
            controls: Controls {
                honest: failed.map_or(DELIVERED, |failed| &failed.reason).to_owned(),
                broken: failed.is_some_and(|failed| failed.broken),
                last: report.last.as_ref().err().map_or(DELIVERED, |reason| reason).to_owned(),
                waits: controls.waits,
                tells_failure: controls.tells,
                checks_authority: controls.checks,
                asks_again: controls.asks_again,
                reaction_ms: milliseconds(controls.reaction.as_millis()),
                wire: lines(failed.map_or("", |failed| &failed.wire)).take(WIRE).collect(),
                output: lines(failed.map_or("", |failed| failed.output.trim_end())).collect(),
            },
            summary: Counts::default(),
            exit_code: 0,
            waivers: Vec::new(),
            problems: Vec::new(),
            results: report.rows.iter().map(|row| Entry::of(row, &report.client)).collect(),
        };
        results.weigh();
        results
    }
}

impl Entry {
    /// The result of one vector.
    fn of(row: &Row, client: &str) -> Self {
        let judgement = row.judgement.as_ref();
        let verdict = row.weight();
        let evidence = judgement.and_then(|j| j.leaks.first()).map(|leak| Found {
            connection: leak.connection + 1,
            offset: leak.range.start,
            length: leak.range.len(),
            canary: leak.canary.as_ref().map(|(kind, _)| kind.as_str().to_owned()),
            form: leak.canary.as_ref().map(|(_, form)| form.as_str().to_owned()),
        });
        let shown = !matches!(verdict, Weight::Pass | Weight::Skipped);
        let told = if matches!(verdict, Weight::Fail | Weight::Weak | Weight::Error) {
            failure(row, client)
        } else {
            String::new()
        };
        Self {
            vector: row.vector.id.clone(),
            family: row.vector.family(),
            tier: row.vector.tier,
            attack: row.vector.summary.clone(),
            verdict,
            outcome: judgement.map(|j| j.outcome),
            expected: row.vector.sound.clone(),
            announced: row.announced.is_some(),
            waiver: None,
            reason: judgement.map_or_else(|| row.skipped.clone(), |j| Some(j.reason.clone())),
            unexplained: judgement.and_then(|j| j.unexplained.clone()),
            properties: judgement
                .into_iter()
                .flat_map(|j| j.broken.iter())
                .map(|property| property.name().to_owned())
                .collect(),
            flaws: judgement
                .into_iter()
                .flat_map(|j| &j.flaws)
                .map(|flaw| flaw.name().to_owned())
                .collect(),
            evidence,
            transcript: row
                .wire
                .lines()
                .filter(|_| shown)
                .map(|line| line.trim().to_owned())
                .collect(),
            told: lines(&told).collect(),
            cut: row.cut.clone(),
            duration_ms: milliseconds(row.duration_ms),
            exit: shown.then(|| row.exit.clone()),
            artefacts: row.artefacts.display().to_string(),
        }
    }
}

fn lines(text: &str) -> impl Iterator<Item = String> {
    text.lines().map(str::to_owned)
}

fn milliseconds(time: u128) -> u64 {
    u64::try_from(time).unwrap_or(u64::MAX)
}
