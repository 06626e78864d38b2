//! A summary of many clients, and the slowest runs.

use std::fmt;
use std::time::Duration;

use crate::results::{Counts, Entry, Results, Weight};

/// How many of the slowest runs are named.
const SLOWEST: usize = 10;

/// What became of many clients.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    lines: Vec<Line>,
    /// How long, which client, which vector.
    runs: Vec<(u64, String, String)>,
}

#[derive(Clone, Debug)]
struct Line {
    client: String,
    protocol: String,
    /// `None` where the honest control failed.
    counts: Option<Counts>,
    took: Duration,
}

impl Table {
    /// Takes in a client; `took` is the wall time of all of it, controls included.
    pub(super) fn add(&mut self, results: &Results, took: Duration) {
        let client = &results.client.name;
        self.lines.push(Line {
            client: client.clone(),
            protocol: results.protocol.clone(),
            counts: results.is_judged().then_some(results.summary),
            took,
        });
        let run = |entry: &Entry| (entry.duration_ms, client.clone(), entry.vector.clone());
        let was_run = |entry: &&Entry| entry.verdict != Weight::Skipped;
        self.runs.extend(results.results.iter().filter(was_run).map(run));
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widest = |of: fn(&Line) -> usize| self.lines.iter().map(of).max().unwrap_or(0);
        let client = widest(|line| line.client.chars().count()).max("client".len());
        let protocol = widest(|line| line.protocol.chars().count()).max("protocol".len());
        writeln!(
            f,
            "{:client$}  {:protocol$}  passed  weak  failed  inconclusive  skipped  announced      time",
            "client", "protocol"
        )?;
        for line in &self.lines {
            write!(f, "{:client$}  {:protocol$}  ", line.client, line.protocol)?;
            match line.counts {
                Some(counts) => write!(
                    f,
                    "{:>6}  {:>4}  {:>6}  {:>12}  {:>7}  {:>9}",
                    counts.pass,
                    counts.weak,
                    counts.fail + counts.error,
                    counts.inconclusive,
                    counts.skipped,
                    counts.announced
                )?,
                None => write!(f, "{:54}", "no verdict: a control failed")?,
            }
            writeln!(f, "  {:>6.1} s", line.took.as_secs_f64())?;
        }
        let mut runs = self.runs.clone();
        runs.sort_by(|one, other| other.cmp(one));
        if !runs.is_empty() {
            writeln!(f, "\nthe slowest runs:")?;
        }
        for (took, client, vector) in runs.iter().take(SLOWEST) {
            let took = Duration::from_millis(*took);
            writeln!(f, "  {:>4.1} s  {client}  {vector}", took.as_secs_f64())?;
        }
        Ok(())
    }
}
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_many_clients_at_a_glance() {
        let line = |client: &str, counts, took| Line {
            client: client.to_owned(),
            protocol: "smtp".to_owned(),
            counts,
            took: Duration::from_millis(took),
        };
        let counts = Counts { pass: 128, fail: 3, skipped: 2, announced: 3, ..Counts::default() };
        let run = |took, vector: &str| (took, "curl".to_owned(), vector.to_owned());
        let table = Table {
            lines: vec![
                line("curl --ssl", Some(counts), 4321),
                line("a client with a long name", None, 120_000),
            ],
            runs: vec![run(12, "smtp/a"), run(20_000, "smtp/b"), run(300, "smtp/c")],
        };
        insta::assert_snapshot!(table);
    }
}
