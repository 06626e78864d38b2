//! Arrays in C, in a form that SPIN's parser accepts.

use std::fmt::{Display, Write as _};

/// An array in C, entry by entry.
pub(super) struct Rows {
    text: String,
    pub(super) count: usize,
}

impl Rows {
    pub(super) fn new(kind: &str, name: &str) -> Self {
        Self { text: format!("{kind} {name}[] = {{"), count: 0 }
    }

    pub(super) fn push(&mut self, entry: impl Display) {
        // A line has sixteen entries: SPIN's parser limits the length of a line.
        let line = if self.count.is_multiple_of(16) { "\n  " } else { " " };
        let _ = write!(self.text, "{line}{entry},");
        self.count += 1;
    }

    pub(super) fn finish(mut self) -> String {
        if self.count == 0 {
            self.text.push('0');
        }
        self.text.push_str("\n};\n");
        self.text
    }
}

/// An array for each state, and the array of these: SPIN's parser also limits the length of a
/// declaration.
pub(super) struct PerState {
    kind: String,
    name: String,
    declarations: Vec<String>,
    all: Rows,
}

impl PerState {
    pub(super) fn new(kind: &str, name: &str) -> Self {
        let all = Rows::new(&format!("static const {kind} *const"), name);
        let kind = format!("static const {kind}");
        Self { kind, name: name.to_owned(), declarations: Vec::new(), all }
    }

    /// The array of the next state.
    pub(super) fn row(&self) -> Rows {
        Rows::new(&self.kind, &format!("{}_{}", self.name, self.all.count))
    }

    pub(super) fn add(&mut self, row: Rows) {
        self.all.push(format!("{}_{}", self.name, self.all.count));
        self.declarations.push(row.finish());
    }

    pub(super) fn finish(mut self) -> Vec<String> {
        self.declarations.push(self.all.finish());
        self.declarations
    }
}

/// All lists of a party's outputs joined, and the start of each.
pub(super) fn lists_of(
    party: &str,
    kind: &str,
    lists: impl Iterator<Item = Vec<String>>,
) -> [String; 2] {
    let mut entries = Rows::new(&format!("static const {kind}"), &format!("{party}_output"));
    let mut begins = Rows::new("static const unsigned short", &format!("{party}_outputs"));
    for list in lists {
        begins.push(entries.count);
        for entry in list {
            entries.push(entry);
        }
    }
    begins.push(entries.count);
    [entries.finish(), begins.finish()]
}
