//! The report as Markdown, for the summary page of a run in continuous integration.
//!
//! GitHub accepts at most 1 MiB for each step: a longer text is truncated, with a note. Names, versions
//! and reasons come from outside, and are escaped.

use std::fmt::Write as _;

use crate::report::human::{because, counts, is_failure, kinds, strange};
use crate::report::matrix::Table;
use crate::results::{Entry, Results, Weight};
use crate::words::plural;

/// How many rows a table has at most.
pub(super) const ROWS: usize = 100;

/// How many failures are printed in full, one of each kind.
const TOLD: usize = 5;

/// The reports as Markdown: the matrix, then the details of each client.
pub fn to_markdown(reports: &[Results]) -> String {
    let mut text = String::new();
    let table = Table::of(reports);
    let _ = writeln!(text, "## Upward\n");
    let _ = writeln!(text, "Passed / weak / failed vectors of each family.\n");
    let _ = writeln!(text, "| client | {} |", table.columns.join(" | "));
    let _ = writeln!(text, "|---|{}", "---:|".repeat(table.columns.len()));
    for (name, cells) in &table.rows {
        let cells: Vec<String> =
            cells.iter().map(|c| c.map_or_else(|| "-".to_owned(), |c| c.to_string())).collect();
        let _ = writeln!(text, "| {} | {} |", escaped(name), cells.join(" | "));
    }
    for results in reports {
        client(results, &mut text);
    }
    text
}

fn client(results: &Results, text: &mut String) {
    let version = results.client.version.as_deref();
    let version = version.map_or_else(String::new, |version| format!(" ({})", escaped(version)));
    let shard = results.shard.map_or_else(String::new, |shard| format!(", shard {shard}"));
    let _ = writeln!(
        text,
        "\n### {}{version}: {} under policy {}{shard}\n",
        escaped(&results.client.name),
        results.protocol,
        results.policy
    );
    let _ = writeln!(text, "**{}** (exit code {})", escaped(&counts(results)), results.exit_code);
    if let Some((weight, what)) = results.beside_vectors() {
        let kind = if weight == Weight::Fail { "Failed" } else { "No verdict" };
        let _ = writeln!(text, "\n{kind}: {}.", escaped(&what));
    }
    let failed: Vec<&Entry> = results
        .results
        .iter()
        .filter(|entry| is_failure(results, entry) && !entry.announced)
        .collect();
    let some = |verdict| -> Vec<&Entry> {
        results.results.iter().filter(|entry| entry.verdict == verdict).collect()
    };
    problems(results, text);
    entries(results, "Failed", &failed, text);
    for entry in kinds(&failed).into_iter().take(TOLD) {
        let fence = fence(&entry.told);
        let _ = writeln!(text, "\n<details><summary><code>{}</code></summary>\n", entry.vector);
        let _ = writeln!(text, "{fence}text\n{}\n{fence}\n\n</details>", entry.told.join("\n"));
    }
    entries(results, "Waived", &some(Weight::Waived), text);
    if !results.strict {
        entries(results, "Weak", &some(Weight::Weak), text);
    }
    entries(results, "Inconclusive", &some(Weight::Inconclusive), text);
    let strange: Vec<&Entry> = strange(results).into_iter().map(|(entry, _)| entry).collect();
    if !strange.is_empty() {
        let _ = writeln!(text, "\n**Unexplained: {}**\n", plural(strange.len(), "vector"));
        let _ = writeln!(
            text,
            "| vector | verdict | first step that no sound client takes |\n|---|---|---|"
        );
        for entry in strange.iter().take(ROWS) {
            let step = escaped(entry.unexplained.as_deref().unwrap_or_default());
            let _ = writeln!(text, "| `{}` | {} | {step} |", entry.vector, entry.verdict.name());
        }
        more(strange.len(), text);
    }
}

fn problems(results: &Results, text: &mut String) {
    if results.problems.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n**Waivers to correct**\n");
    for problem in results.problems.iter().take(ROWS) {
        let _ = writeln!(
            text,
            "- {}: {}: {}; {}",
            escaped(&problem.place),
            problem.kind.name(),
            escaped(&problem.what),
            escaped(&problem.help)
        );
    }
    more(results.problems.len(), text);
}

fn entries(results: &Results, title: &str, entries: &[&Entry], text: &mut String) {
    if entries.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n**{title}: {}**\n", plural(entries.len(), "vector"));
    let _ = writeln!(text, "| vector | outcome | why | looks like |\n|---|---|---|---|");
    for entry in entries.iter().take(ROWS) {
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} |",
            entry.vector,
            entry.outcome.map_or("", |outcome| outcome.name()),
            escaped(&because(results, entry)),
            entry.flaws.first().map_or("", String::as_str)
        );
    }
    more(entries.len(), text);
}

pub(super) fn more(count: usize, text: &mut String) {
    if count > ROWS {
        let _ = writeln!(text, "\nand {} more", count - ROWS);
    }
}

/// A code fence that is longer than any fence in its contents.
fn fence(lines: &[String]) -> String {
    let longest = lines
        .iter()
        .flat_map(|line| line.split(|c| c != '`'))
        .map(str::len)
        .max()
        .unwrap_or_default();
    "`".repeat(longest.max(2) + 1)
}

/// A text without special meaning in Markdown or HTML.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' => escaped.extend(['\\', c]),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}
