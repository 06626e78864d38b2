//! The report as TAP (Test Anything Protocol), version 14: one test point for each vector, and one for
//! the controls.
//!
//! Waived or announced failures are `not ok` with a `TODO` directive, TAP's form for expected failures.
//! Inconclusive vectors are skipped.

use std::fmt::Write as _;

use crate::report::human::{because, is_failure};
use crate::results::{Entry, Results, Weight};

/// The reports as one TAP stream.
pub fn to_tap(reports: &[Results]) -> String {
    let points: usize =
        reports.iter().map(|results| results.results.len() + 1 + results.problems.len()).sum();
    let mut text = format!("TAP version 14\n1..{points}\n");
    let mut number = 0;
    for results in reports {
        let client = escaped(&results.client.name);
        for entry in &results.results {
            number += 1;
            point(&mut text, number, &client, results, entry);
        }
        let unexplained = results.summary.unexplained;
        let _ = writeln!(text, "# {client}: {unexplained} unexplained");
        number += 1;
        match results.beside_vectors() {
            None => drop(writeln!(text, "ok {number} - {client}: controls")),
            Some((weight, what)) => {
                let _ = writeln!(text, "not ok {number} - {client}: controls");
                details(&mut text, &[("message", &what), ("verdict", weight.name())]);
            }
        }
        for problem in &results.problems {
            number += 1;
            let place = escaped(&problem.place);
            let _ = writeln!(text, "not ok {number} - {client}: {place} {}", problem.kind.name());
            details(&mut text, &[("message", &problem.what), ("help", &problem.help)]);
        }
    }
    text
}

fn point(text: &mut String, number: usize, client: &str, results: &Results, entry: &Entry) {
    let reason = because(results, entry);
    let name = format!("{number} - {client}: {}", escaped(&entry.vector));
    let _ = match entry.verdict {
        Weight::Waived => writeln!(text, "not ok {name} # TODO waived: {}", escaped(&reason)),
        Weight::Inconclusive | Weight::Skipped => {
            writeln!(text, "ok {name} # SKIP {}: {}", entry.verdict.name(), escaped(&reason))
        }
        _ if is_failure(results, entry) && entry.announced => {
            writeln!(text, "not ok {name} # TODO announced: {}", escaped(&reason))
        }
        _ if is_failure(results, entry) => writeln!(text, "not ok {name}"),
        _ => writeln!(text, "ok {name}"),
    };
    if let Some(step) = &entry.unexplained {
        let _ = writeln!(text, "# unexplained, at the step: {}", escaped(step));
    }
    if is_failure(results, entry) && !entry.announced {
        let outcome = entry.outcome.map_or("nothing", |outcome| outcome.name());
        let verdict = entry.verdict.name();
        let about = [("message", &*reason), ("verdict", verdict), ("outcome", outcome)];
        details(text, &about);
    }
}

/// A YAML block; a JSON string is also valid YAML.
fn details(text: &mut String, about: &[(&str, &str)]) {
    text.push_str("  ---\n");
    for (name, value) in about {
        let _ = writeln!(text, "  {name}: {}", serde_json::Value::from(*value));
    }
    text.push_str("  ...\n");
}

/// A text without line ends and directives.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '#' => escaped.extend(['\\', c]),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}
