//! The differences between two runs, in words.

use std::fmt::Write as _;

use crate::report::markdown;
use crate::results::{Change, Comparison};

impl Comparison {
    /// The differences, for people.
    pub fn to_text(&self) -> String {
        let mut text = format!("{}\n", self.whom);
        for (title, changes) in self.groups() {
            let _ = writeln!(text, "\n{} {title}:", changes.len());
            for Change { vector, old, new } in changes {
                let _ = writeln!(text, "  {vector}: {old} -> {new}");
            }
        }
        let _ = writeln!(text, "\n{}", self.counts());
        text
    }

    /// The differences, as Markdown.
    pub fn to_markdown(&self) -> String {
        let mut text = format!("### {}\n\n", markdown::escaped(&self.whom));
        let _ = writeln!(text, "**{}**", self.counts());
        for (title, changes) in self.groups() {
            let _ = writeln!(text, "\n**{} {title}**\n", changes.len());
            let _ = writeln!(text, "| what | was | is |\n|---|---|---|");
            for Change { vector, old, new } in changes.iter().take(markdown::ROWS) {
                let _ = writeln!(text, "| `{vector}` | {old} | {new} |");
            }
            markdown::more(changes.len(), &mut text);
        }
        text
    }

    fn groups(&self) -> impl Iterator<Item = (&'static str, &[Change])> {
        [("worse", &self.worse), ("better", &self.better), ("otherwise different", &self.other)]
            .into_iter()
            .map(|(title, changes)| (title, changes.as_slice()))
            .filter(|(_, changes)| !changes.is_empty())
    }

    fn counts(&self) -> String {
        format!(
            "{} worse, {} better, {} otherwise different, {} the same",
            self.worse.len(),
            self.better.len(),
            self.other.len(),
            self.same
        )
    }
}
