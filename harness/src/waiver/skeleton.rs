//! The skeleton of a file of waivers: what fails in a report, with the reasons left to be written.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::results::{Results, Weight};
use crate::waiver::Pattern;

/// What is said of every waiver of a skeleton.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// The reason; empty to be filled in, and refused until it is.
    pub reason: String,
    /// Where they are dealt with.
    pub issue: Option<String>,
    /// The last day on which they hold.
    pub expires: Option<jiff::civil::Date>,
}

/// A waiver for each vector that fails in these reports - with `--strict`, that is weak, too - but
/// for those that are waived or announced already. Empty where nothing is left to waive.
pub fn skeleton(reports: &[Results], given: &Given) -> String {
    let mut text = String::new();
    let mut named = BTreeSet::new();
    for results in reports {
        let client = &results.client.name;
        for entry in &results.results {
            let fails =
                entry.verdict == Weight::Fail || (results.strict && entry.verdict == Weight::Weak);
            let Some(outcome) = entry.outcome.filter(|_| fails && !entry.announced) else {
                continue;
            };
            // The same report may be given twice; the same waiver may not.
            if !named.insert((client, &entry.vector)) {
                continue;
            }
            if !text.is_empty() {
                text.push('\n');
            }
            let reason = entry.reason.as_deref().unwrap_or_default();
            let _ = writeln!(text, "# {}", on_one_line(&entry.attack));
            let what = format!("{client} {reason}");
            let _ = writeln!(text, "# {}", on_one_line(&what));
            let _ = writeln!(text, "[[waiver]]");
            let _ = writeln!(text, "vector  = {}", quoted(&entry.vector));
            let _ = writeln!(text, "client  = {}", quoted(&pattern(client)));
            let _ = writeln!(text, "outcome = {}", quoted(outcome.name()));
            let _ = writeln!(text, "reason  = {}", quoted(&given.reason));
            if let Some(issue) = &given.issue {
                let _ = writeln!(text, "issue   = {}", quoted(issue));
            }
            if let Some(day) = given.expires {
                let _ = writeln!(text, "expires = {day}");
            }
        }
    }
    text
}

/// A name as a pattern that means it.
fn pattern(name: &str) -> String {
    match Pattern::new(name) {
        Ok(_) => name.to_owned(),
        Err(_) => globset::escape(name),
    }
}

/// A comment ends with its line.
fn on_one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A TOML string.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}
