//! The matrix of clients and families of attacks.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::results::{Results, Weight};

/// The families in the order of the book; other families follow.
const ORDER: [&str; 13] =
    ["neg", "rsp", "pre", "red", "tmp", "ui", "tls", "life", "xp", "bin", "cmd", "fix", "srv"];

/// A table of counts.
pub(super) struct Table {
    /// The families, in order; the last column is the sum.
    pub(super) columns: Vec<String>,
    /// The name of each row, and its cells.
    pub(super) rows: Vec<(String, Vec<Option<Cell>>)>,
}

/// How many vectors of a family passed, were weak, failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cell {
    pass: usize,
    weak: usize,
    fail: usize,
}

impl Table {
    pub(super) fn of(reports: &[Results]) -> Self {
        let families = families(reports);
        let mut columns = families.clone();
        columns.push("all".to_owned());
        let rows = reports
            .iter()
            .map(|results| {
                let cells = cells(results);
                let sum = cells.values().fold(Cell::default(), |sum, cell| sum.plus(*cell));
                let mut row: Vec<Option<Cell>> =
                    families.iter().map(|family| cells.get(family.as_str()).copied()).collect();
                row.push(Some(sum));
                (name(results, reports), row)
            })
            .collect();
        Self { columns, rows }
    }
}

/// The families of some reports, in order.
pub(super) fn families(reports: &[Results]) -> Vec<String> {
    let mut families: Vec<String> = reports
        .iter()
        .flat_map(|results| &results.results)
        .map(|entry| entry.family.clone())
        .collect();
    let place = |family: &str| ORDER.iter().position(|known| *known == family);
    families.sort_by_key(|family| (place(family).unwrap_or(ORDER.len()), family.clone()));
    families.dedup();
    families
}

/// The counts of each family in a report.
fn cells(results: &Results) -> BTreeMap<&str, Cell> {
    let mut cells: BTreeMap<&str, Cell> = BTreeMap::new();
    for entry in &results.results {
        let cell = cells.entry(&entry.family).or_default();
        match entry.verdict {
            Weight::Pass => cell.pass += 1,
            Weight::Weak => cell.weak += 1,
            Weight::Fail | Weight::Error => cell.fail += 1,
            Weight::Waived | Weight::Inconclusive | Weight::Skipped => {}
        }
    }
    cells
}

/// A client's name, with protocol and policy if the reports differ in them.
fn name(results: &Results, reports: &[Results]) -> String {
    let same = |of: fn(&Results) -> &String| reports.iter().all(|other| of(other) == of(results));
    let mut name = results.client.name.clone();
    if !same(|results| &results.protocol) {
        let _ = write!(name, " {}", results.protocol);
    }
    if !same(|results| &results.policy) {
        let _ = write!(name, " {}", results.policy);
    }
    name
}

impl Cell {
    const fn plus(self, other: Self) -> Self {
        Self {
            pass: self.pass + other.pass,
            weak: self.weak + other.weak,
            fail: self.fail + other.fail,
        }
    }
}

impl std::fmt::Display for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}", self.pass, self.weak, self.fail)
    }
}

/// The matrix of clients and families, for people.
pub fn matrix(reports: &[Results]) -> String {
    let table = Table::of(reports);
    let mut lines = vec![[vec!["passed/weak/failed".to_owned()], table.columns].concat()];
    for (name, cells) in table.rows {
        let shown = |cell: Option<Cell>| cell.map_or_else(|| "-".to_owned(), |c| c.to_string());
        lines.push(std::iter::once(name).chain(cells.into_iter().map(shown)).collect());
    }
    let columns = lines.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns)
        .map(|at| lines.iter().map(|line| line[at].chars().count()).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for line in lines {
        let padded: Vec<String> = line
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(at, (cell, width))| match at {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            })
            .collect();
        let _ = writeln!(text, "{}", padded.join("  ").trim_end());
    }
    text
}
