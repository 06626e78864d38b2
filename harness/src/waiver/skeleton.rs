//! The skeleton of a file of waivers: one for each failure in a report; the user writes the reasons.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::results::{Results, Weight};
use crate::waiver::Pattern;

/// The fields that every waiver of a skeleton gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// The reason. If empty, the user has to fill it in before the file is accepted.
    pub reason: String,
    /// A link to the issue.
    pub issue: Option<String>,
    /// The last day on which the waivers hold.
    pub expires: Option<jiff::civil::Date>,
}

/// A waiver for each vector that fails in these reports, except those that are waived or announced
/// already. With `--strict`, weak vectors count as failures. Empty if nothing is left to waive.
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
            // The same report may be given twice, but each waiver must be unique.
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

/// The pattern that matches this name and no other.
fn pattern(name: &str) -> String {
    match Pattern::new(name) {
        Ok(_) => name.to_owned(),
        Err(_) => globset::escape(name),
    }
}

/// A comment must not contain line ends.
fn on_one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A TOML string.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}
