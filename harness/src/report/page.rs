//! The page of results in the book: which clients conform, family by family.
//!
//! A public page must not name a client before its maintainers know of the finding: clients with a
//! finding that they do not announce themselves are counted, and not named.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::report::markdown::escaped;
use crate::report::matrix::families;
use crate::results::{Entry, Results, Weight};
use crate::words::plural;

/// The reports as a page of the book.
pub fn to_page(reports: &[Results]) -> String {
    // A waived failure is still a finding.
    let named = |results: &&Results| {
        results.exit_code == 0 && !results.strict && results.summary.waived == 0
    };
    let (open, kept): (Vec<&Results>, Vec<&Results>) = reports.iter().partition(named);
    let (announcing, conforming): (Vec<&Results>, Vec<&Results>) =
        open.into_iter().partition(|results| !results.client.announced.is_empty());
    let columns = families(reports);
    let mut text = String::from(INTRODUCTION);
    let _ = writeln!(text, "\n## Clients that conform\n");
    let _ =
        writeln!(text, "No vector shows that they break a rule that the standards call a MUST.\n");
    table(&conforming, &columns, &mut text);
    let _ = writeln!(text, "\n## Clients that do what they announce\n");
    let _ = writeln!(
        text,
        "Their own documentation says that they may go on without TLS, check no certificate, or type without reading.\n"
    );
    table(&announcing, &columns, &mut text);
    if !kept.is_empty() {
        let _ = writeln!(
            text,
            "\n{} {} played and not listed: something was found that their authors do not announce, or nothing\ncould be told.",
            plural(kept.len(), "client"),
            if kept.len() == 1 { "was" } else { "were" }
        );
    }
    text
}

const INTRODUCTION: &str = "# Results

Written by `upward run --all --report page=docs/results.md`, and not by hand. A client is named here if it
conforms, or does what its authors announce; what else is found goes to its maintainers first. A row is about one
version, on one day: run the vectors against yours.

In each cell: how many vectors of the family say something about the client, and, behind a slash, in how many of
these it did what it announces. The last column counts runs that no sound client of the model explains, and that
break no rule.
";

fn table(reports: &[&Results], columns: &[String], text: &mut String) {
    let _ = writeln!(
        text,
        "| client | version | protocol | tier | {} | unexplained |",
        columns.join(" | ")
    );
    let _ = writeln!(text, "|---|---|---|---|{}", "---:|".repeat(columns.len() + 1));
    for results in reports {
        let cells = cells(results);
        let cells: Vec<String> = columns
            .iter()
            .map(|family| cells.get(family.as_str()).map_or_else(|| "-".to_owned(), Cell::shown))
            .collect();
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} |",
            escaped(&results.client.name),
            escaped(results.client.version.as_deref().unwrap_or("unknown")),
            results.protocol,
            results.selection.tier.as_deref().unwrap_or("selected"),
            cells.join(" | "),
            results.summary.unexplained
        );
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    said: usize,
    announced: usize,
}

impl Cell {
    fn shown(&self) -> String {
        match self.announced {
            0 => self.said.to_string(),
            announced => format!("{}/{announced}", self.said),
        }
    }
}

fn cells(results: &Results) -> BTreeMap<&str, Cell> {
    let says = |entry: &&Entry| {
        entry.announced || !matches!(entry.verdict, Weight::Inconclusive | Weight::Skipped)
    };
    let mut cells: BTreeMap<&str, Cell> = BTreeMap::new();
    for entry in results.results.iter().filter(says) {
        let cell = cells.entry(&entry.family).or_default();
        cell.said += 1;
        cell.announced += usize::from(entry.announced);
    }
    cells
}
