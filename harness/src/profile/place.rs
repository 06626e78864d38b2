//! The places of errors in a profile.

use std::path::PathBuf;

use toml::de::{DeTable, DeValue};

/// An error in a profile.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The file cannot be read.
    #[error("failed to read {path}: {error}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        error: std::io::Error,
    },
    /// It is not a valid profile.
    #[error("{file}:{line}:{column}: {what}")]
    Malformed {
        /// The file.
        file: String,
        /// The line, counted from 1.
        line: usize,
        /// The column, counted in characters from 1.
        column: usize,
        /// What is wrong there.
        what: String,
        /// What to do about it.
        help: String,
    },
}

impl ProfileError {
    /// What to do about it.
    pub fn help(&self) -> &str {
        match self {
            Self::Read { .. } => "is it the path of a profile, and may you read it?",
            Self::Malformed { help, .. } => help,
        }
    }

    /// An error at a byte of a file.
    pub(super) fn at(file: &str, text: &str, byte: usize, slip: Slip) -> Self {
        let (line, column) = crate::place::of_byte(text, byte);
        let Slip { what, help, .. } = slip;
        Self::Malformed { file: file.to_owned(), line, column, what, help }
    }
}

/// An error in a well-formed profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slip {
    /// The path of the field.
    pub(super) path: Vec<Step>,
    /// The text to point at inside the field; empty for the whole field.
    pub(super) word: String,
    /// What is wrong there.
    pub(super) what: String,
    /// What to do about it.
    pub(super) help: String,
}

impl Slip {
    /// The byte to point at.
    pub(super) fn byte(&self, text: &str) -> usize {
        let field = locate(text, &self.path);
        let word = text.get(field..).and_then(|text| text.find(&self.word));
        field + word.unwrap_or_default()
    }
}

/// A step into a TOML document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Into a table, by this key.
    Key(String),
    /// Into an array, by this index.
    Index(usize),
}

/// The byte where the value at a path begins, or that of the longest existing part of the path.
fn locate(text: &str, path: &[Step]) -> usize {
    let Ok(document) = DeTable::parse(text) else { return 0 };
    let table = document.into_inner();
    let Some((Step::Key(first), rest)) = path.split_first() else { return 0 };
    let Some(mut value) = table.get(first.as_str()) else { return 0 };
    for step in rest {
        let next = match (value.get_ref(), step) {
            (DeValue::Table(table), Step::Key(key)) => table.get(key.as_str()),
            (DeValue::Array(array), Step::Index(index)) => array.get(*index),
            _ => None,
        };
        let Some(next) = next else { break };
        value = next;
    }
    value.span().start
}
