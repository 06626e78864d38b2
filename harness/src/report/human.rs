//! For people: what happened, whose fault it is, what to do next.

use std::fmt::Write as _;

use upward_model::vector::Vector;

use super::scene::scene;
use crate::judge::Judgement;
use crate::report::{Report, Row, worst};
use crate::trial::Trial;

/// A failure at length.
pub fn failure(row: &Row, client: &str) -> String {
    let mut text = String::new();
    let Some(judgement) = &row.judgement else { return text };
    let verdict = row.verdict().to_uppercase();
    let verdict = if row.announced.is_some() { "AS ANNOUNCED" } else { &verdict };
    let _ = writeln!(text, "{verdict}  {}  {}", judgement.outcome.name(), row.vector.id);
    let _ = writeln!(text, "  attack    {}", row.vector.summary);
    if let Some((property, level, source)) = worst(row) {
        let _ = writeln!(text, "  rule      {} ({}: {source})", property.meaning(), level.name());
    }
    let sound: Vec<&str> = row.vector.sound.iter().map(|outcome| outcome.name()).collect();
    let _ = writeln!(text, "  expected  a sound client shows here: {}", sound.join(" or "));
    let _ = writeln!(text, "  actual    {client} {}; it ended with {}", judgement.reason, row.exit);
    for flaw in judgement.flaws.iter().take(3) {
        let _ = writeln!(text, "  looks like {}: {}", flaw.name(), flaw.note().summary);
    }
    if let Some(documented) = &row.announced {
        let _ = writeln!(text, "  announced {documented}");
    }
    let _ = writeln!(text, "  dialogue");
    for line in &row.scene {
        let _ = writeln!(text, "    | {}", line.text);
        if let Some(marked) = &line.marked {
            let mark = "^".repeat(marked.len().max(1));
            let note = line.note.as_deref().unwrap_or_default();
            let _ = writeln!(text, "    | {}{mark} {note}", " ".repeat(marked.start));
        }
    }
    for cut in &row.cut {
        let _ = writeln!(text, "  not kept  {cut}");
    }
    let _ = writeln!(text, "  files     {}", row.artefacts.display());
    let _ = writeln!(text, "  again     {}", row.again);
    text
}

/// How much is told of what the client's authors announce themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// As much as of anything else.
    All,
    /// One line: the reader has asked about many clients.
    Brief,
}

/// A number of vectors, in words.
pub fn vectors(count: usize) -> String {
    format!("{count} vector{}", if count == 1 { "" } else { "s" })
}

/// The whole report, failures first.
pub fn summary(report: &Report, strict: bool, detail: Detail) -> String {
    let mut text = String::new();
    let version = report.version.as_deref().map_or_else(String::new, |v| format!(" ({v})"));
    let _ = writeln!(
        text,
        "{}{version}: {} under policy {}, {}",
        report.client,
        report.protocol,
        report.policy,
        vectors(report.rows.len())
    );
    if report.interrupted {
        let _ = writeln!(text, "INTERRUPTED: the other vectors were not played");
    }
    controls(report, &mut text);
    if let Some(failed) = report.control_failure() {
        let _ = writeln!(text, "\nno verdict: {}", failed.reason);
        let _ = writeln!(text, "what went over the wire:");
        for line in failed.wire.lines().take(40) {
            let _ = writeln!(text, "    | {line}");
        }
        if !failed.output.trim().is_empty() {
            let _ = writeln!(text, "what the client wrote:");
            for line in failed.output.lines() {
                let _ = writeln!(text, "    | {line}");
            }
        }
        return text;
    }
    let told = |row: &&Row| {
        let verdict = row.verdict();
        verdict == "fail" || verdict == "error" || (strict && verdict == "weak")
    };
    let brief = detail == Detail::Brief;
    let told = |row: &&Row| told(row) && !(brief && row.announced.is_some());
    let failures: Vec<&Row> = row_groups(report.rows.iter().filter(told));
    for row in failures.iter().take(SHOWN) {
        let _ = write!(text, "\n{}", failure(row, &report.client));
    }
    let all = report.rows.iter().filter(told).count();
    if all > 0 {
        let _ = writeln!(text, "\n{all} failed:");
        for row in report.rows.iter().filter(told) {
            let outcome = row.judgement.as_ref().map_or("", |judgement| judgement.outcome.name());
            let _ = writeln!(text, "  {:<10} {}", outcome, row.vector.id);
        }
    }
    if brief {
        let announced = |row: &&Row| row.announced.is_some() && row.verdict() == "fail";
        let leaking = report.rows.iter().filter(announced).count();
        if leaking > 0 {
            let _ = writeln!(
                text,
                "gives secrets away in {}, as its authors document; to see how: upward run --client '{}'",
                vectors(leaking),
                report.client
            );
        }
    } else {
        others(report, strict, &mut text);
    }
    cuts(report, &mut text);
    let counts = report.counts;
    let _ = write!(
        text,
        "{}{} passed, {} weak, {} failed, {} inconclusive, {} skipped",
        if brief { "" } else { "\n" },
        counts.pass,
        counts.weak,
        counts.fail,
        counts.inconclusive,
        counts.skipped
    );
    if counts.error > 0 {
        let _ = write!(text, ", {} errors of ours", counts.error);
    }
    if let Some(broken) = report.broken_announcement() {
        let _ = write!(text, "; {broken}");
    }
    if counts.announced > 0 {
        let _ = write!(text, "; {} of them as announced", counts.announced);
    }
    let _ = writeln!(text, " (exit code {})", report.exit_code(strict));
    text
}

/// How many failures are told at length: one of each kind, and no more than this.
const SHOWN: usize = 3;

/// One failure of each kind: what it shows, and what it looks like.
fn row_groups<'a>(rows: impl Iterator<Item = &'a Row>) -> Vec<&'a Row> {
    let mut kinds = Vec::new();
    let mut groups = Vec::new();
    for row in rows {
        let kind = row.judgement.as_ref().map(|j| (j.outcome, j.flaws.first().copied()));
        if !kinds.contains(&kind) {
            kinds.push(kind);
            groups.push(row);
        }
    }
    groups
}

fn controls(report: &Report, text: &mut String) {
    let controls = &report.controls;
    let honest = if controls.honest.is_ok() { "delivers inside TLS" } else { "FAILED" };
    let mut line = format!("controls: honest server: {honest}");
    if controls.honest.is_ok() {
        let say = |fine: bool, yes: &str, no: &str| format!("; {}", if fine { yes } else { no });
        line += &say(controls.waits, "waits for replies", "TYPES WITHOUT READING");
        line += &say(controls.tells, "tells failure", "FAILURE LOOKS LIKE SUCCESS");
        line += &say(controls.checks, "checks the authority", "ACCEPTS ANY AUTHORITY");
        line += &format!("; answers within {} ms", controls.reaction.as_millis().max(1));
        if let Err(reason) = &report.last {
            line += &format!("; LAST CONTROL FAILED: {reason}");
        }
    }
    let _ = writeln!(text, "{line}");
}

fn others(report: &Report, strict: bool, text: &mut String) {
    for (verdict, title) in
        [("weak", "weak"), ("inconclusive", "inconclusive"), ("skipped", "skipped")]
    {
        if verdict == "weak" && strict {
            continue;
        }
        let rows: Vec<&Row> = report.rows.iter().filter(|row| row.verdict() == verdict).collect();
        if rows.is_empty() {
            continue;
        }
        let _ = writeln!(text, "\n{} {title}:", rows.len());
        let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
        for row in rows {
            let reason = row
                .judgement
                .as_ref()
                .map_or_else(|| row.skipped.clone().unwrap_or_default(), |j| j.reason.clone());
            match reasons.iter_mut().find(|(other, _)| *other == reason) {
                Some((_, ids)) => ids.push(&row.vector.id),
                None => reasons.push((reason, vec![&row.vector.id])),
            }
        }
        for (reason, ids) in reasons {
            let _ = writeln!(text, "  {reason}:");
            for id in ids.iter().take(4) {
                let _ = writeln!(text, "    {id}");
            }
            if ids.len() > 4 {
                let _ = writeln!(text, "    and {} more", ids.len() - 4);
            }
        }
    }
}

/// Where not everything was kept: whatever the verdict, it was found in what was.
fn cuts(report: &Report, text: &mut String) {
    let rows: Vec<&Row> = report.rows.iter().filter(|row| !row.cut.is_empty()).collect();
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(text, "\nnot everything was kept in {}:", vectors(rows.len()));
    for row in rows.iter().take(4) {
        let _ = writeln!(text, "  {}: {}", row.vector.id, row.cut.join("; "));
    }
    if rows.len() > 4 {
        let _ = writeln!(text, "  and {} more", rows.len() - 4);
    }
}

/// A judgement of a run that was started by hand.
pub fn by_hand(vector: &Vector, trial: &Trial, judgement: Judgement) -> String {
    let row = Row {
        vector: vector.clone(),
        scene: scene(trial, vector, &judgement),
        wire: String::new(),
        cut: vec![trial.record.dropped().to_string()]
            .into_iter()
            .filter(|s| !s.is_empty())
            .collect(),
        judgement: Some(judgement),
        skipped: None,
        announced: None,
        exit: "started by hand".to_owned(),
        duration_ms: 0,
        artefacts: std::path::PathBuf::new(),
        again: format!("upward serve {}", vector.id),
    };
    failure(&row, "the client")
}
