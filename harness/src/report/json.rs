//! As JSON, for programs.

use serde_json::{Value, json};

use crate::report::{Report, Row};

/// The version of the format.
const FORMAT: u32 = 1;

/// The report as JSON. Times are the only thing in it that differs from run to run of a client that
/// behaves the same.
pub fn to_json(report: &Report) -> Value {
    let counts = report.counts;
    json!({
        "schema": FORMAT,
        "tool": { "name": "upward", "version": env!("CARGO_PKG_VERSION") },
        "client": { "name": report.client, "version": report.version },
        "protocol": report.protocol,
        "policy": report.policy,
        "interrupted": report.interrupted,
        "controls": {
            "honest": report.controls.honest.as_ref().err().map_or("delivered", |f| &f.reason),
            "last": report.last.as_ref().err().map_or("delivered", |reason| reason),
            "waits": report.controls.waits,
            "tells_failure": report.controls.tells,
            "checks_authority": report.controls.checks,
        },
        "summary": {
            "pass": counts.pass,
            "weak": counts.weak,
            "fail": counts.fail,
            "waived": 0,
            "inconclusive": counts.inconclusive,
            "skipped": counts.skipped,
            "error": counts.error,
        },
        "results": report.rows.iter().map(row).collect::<Vec<_>>(),
    })
}

fn row(row: &Row) -> Value {
    let judgement = row.judgement.as_ref();
    let evidence = judgement.and_then(|j| j.leaks.first()).map(|leak| {
        json!({
            "connection": leak.connection + 1,
            "offset": leak.range.start,
            "bytes": leak.range.len(),
            "canary": leak.canary.as_ref().map(|(kind, _)| kind),
            "form": leak.canary.as_ref().map(|(_, form)| form),
        })
    });
    json!({
        "vector": row.vector.id,
        "outcome": judgement.map(|j| j.outcome.name()),
        "expected": row.vector.sound.iter().map(|outcome| outcome.name()).collect::<Vec<_>>(),
        "verdict": row.verdict(),
        "announced": row.announced,
        "reason": judgement.map_or_else(|| row.skipped.clone(), |j| Some(j.reason.clone())),
        "properties": judgement
            .map(|j| j.broken.iter().map(|p| p.name()).collect::<Vec<_>>())
            .unwrap_or_default(),
        "flaws": judgement
            .map(|j| j.flaws.iter().map(|flaw| flaw.name()).collect::<Vec<_>>())
            .unwrap_or_default(),
        "evidence": evidence,
        "duration_ms": row.duration_ms,
        "exit": row.exit,
        "artefacts": row.artefacts.display().to_string(),
    })
}
