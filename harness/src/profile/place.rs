//! Where in a profile something is wrong.

use std::path::PathBuf;

use toml::de::{DeTable, DeValue};

/// What is wrong with a profile.
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
    /// It is no profile.
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

    /// Something wrong at a byte of a file.
    pub(super) fn at(file: &str, text: &str, byte: usize, slip: Slip) -> Self {
        let (line, column) = crate::place::of_byte(text, byte);
        let Slip { what, help, .. } = slip;
        Self::Malformed { file: file.to_owned(), line, column, what, help }
    }
}

/// Something wrong in a profile that is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slip {
    /// In which field, and where in it.
    pub(super) path: Vec<Step>,
    /// The text to point at in that field, where it is only a part of it.
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

/// The byte where the value at a path begins; that of the longest part of the path that is there.
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
