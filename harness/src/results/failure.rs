//! The full description of one failure, for people.

use std::fmt::Write as _;
use std::path::Path;

use upward_model::property::Property;
use upward_model::protocol::Level;
use upward_model::vector::{Outcome, Vector};

use crate::judge::{self, Judgement};
use crate::results::{Row, transcript};
use crate::shell::{itself, quoted};
use crate::trial::Trial;

/// Describes a failure in full.
pub fn failure(row: &Row, client: &str) -> String {
    let mut text = String::new();
    let Some(judgement) = &row.judgement else { return text };
    let verdict = row.weight().name().to_uppercase();
    let verdict = if row.announced.is_some() { "AS ANNOUNCED" } else { &verdict };
    let _ = writeln!(text, "{verdict}  {}  {}", judgement.outcome.name(), row.vector.id);
    let _ = writeln!(text, "  attack    {}", row.vector.summary);
    let worst = worst(row);
    if let Some((property, level, source)) = worst {
        let _ = writeln!(text, "  rule      {} ({}: {source})", property.meaning(), level.name());
    }
    // A weak result may have the outcome of a sound client, and break a rule on the way to it.
    if !row.vector.sound.contains(&judgement.outcome) {
        let sound: Vec<&str> = row.vector.sound.iter().map(|&outcome| ending(outcome)).collect();
        let _ = write!(text, "  expected  a sound client {}", sound.join(", or "));
        if judgement.outcome == Outcome::Injected {
            text.push_str("; in no case does it use what came in clear");
        }
        text.push('\n');
    }
    let _ = writeln!(text, "  actual    {client} {}", judgement.reason);
    match row.exit.as_str() {
        "" => {}
        exit if exit.starts_with("killed") => drop(writeln!(text, "  ended     {exit}")),
        exit => drop(writeln!(text, "  ended     with {exit}")),
    }
    if row.runs > 1 {
        let _ = writeln!(text, "  seen      in each of {} runs", row.runs);
    }
    if let Some(line) = row.printed.as_ref().filter(|line| !row.exit.contains(line.as_str())) {
        let _ = writeln!(text, "  printed   {line}");
    }
    for flaw in judgement.flaws.iter().take(3) {
        let _ = writeln!(text, "  looks like {}: {}", flaw.name(), flaw.note().summary);
    }
    if let Some(flaw) = judgement.flaws.first() {
        let _ = writeln!(text, "  harm      {}", flaw.note().effect);
    }
    if let Some((property, ..)) = worst {
        let _ = writeln!(text, "  mend      {}", property.mend());
    }
    if let Some(documented) = &row.announced {
        let _ = writeln!(text, "  announced {documented}");
    }
    let _ = writeln!(text, "  dialogue");
    for line in row.transcript.iter().map(ToString::to_string) {
        for line in line.lines() {
            let _ = writeln!(text, "    | {line}");
        }
    }
    for cut in &row.cut {
        let _ = writeln!(text, "  not kept  {cut}");
    }
    if !row.artefacts.as_os_str().is_empty() {
        let _ = writeln!(text, "  files     {}", row.artefacts.display());
    }
    let _ = writeln!(text, "  again     {}", row.again);
    text
}

/// How a sound client ends, in words.
const fn ending(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Upgraded => "delivers inside authenticated TLS (upgraded)",
        Outcome::Refused => "gives up and says so (refused)",
        other => other.name(),
    }
}

/// Describes the judgement of a client that was started by hand.
pub fn by_hand(vector: &Vector, trial: &Trial, judgement: Judgement, files: &Path) -> String {
    let row = Row {
        vector: vector.clone(),
        transcript: transcript(trial, Some(vector), &judgement),
        wire: String::new(),
        cut: vec![trial.record.dropped().to_string()]
            .into_iter()
            .filter(|s| !s.is_empty())
            .collect(),
        judgement: Some(judgement),
        skipped: None,
        announced: None,
        exit: String::new(),
        printed: None,
        duration_ms: 0,
        runs: 1,
        artefacts: files.to_path_buf(),
        again: format!(
            "{} serve --directory {} {}",
            itself(),
            quoted(&files.to_string_lossy()),
            vector.id
        ),
    };
    failure(&row, "the client")
}

/// The worst broken property of a row, with its level and source.
fn worst(row: &Row) -> Option<(Property, Level, &'static str)> {
    let judgement = row.judgement.as_ref()?;
    let protocol = upward_model::protocol::by_name(&row.vector.peer.persona)?;
    let property = judge::worst(judgement.broken, protocol)?;
    let (level, source) = protocol.level(property);
    Some((property, level, source))
}
