//! Waivers: failures that are known, each with its reason, for a suite that has to stay green.
//!
//! A file of waivers is TOML, and read strictly: a typing error in it must not hide a failure. Waived
//! vectors are still played; [`Waivers::apply`] applies the waivers to the results. A problem of a
//! waiver (it is not needed, or another outcome shows) fails the run.

mod apply;
mod skeleton;
mod text;

use std::path::Path;

use globset::{Glob, GlobMatcher};
use jiff::civil::Date;

use crate::results::Waivable;

pub use self::apply::Universe;
pub use self::skeleton::{Given, skeleton};

/// A file of waivers.
#[derive(Clone, Debug, Default)]
pub struct Waivers {
    /// In the order of the file: the first waiver that names a vector decides about it.
    entries: Vec<Waiver>,
}

/// One waiver.
#[derive(Clone, Debug)]
pub struct Waiver {
    /// Its place: file and line.
    pub place: String,
    /// The vectors that it names.
    pub vector: Pattern,
    /// The clients to which it applies; all if `None`.
    pub client: Option<Pattern>,
    /// The tolerated outcome of these vectors; any other is still a failure.
    pub outcome: Waivable,
    /// The reason; never empty.
    pub reason: String,
    /// A link to the issue, if there is one.
    pub issue: Option<String>,
    /// The last day on which it holds, in UTC.
    pub expires: Option<Date>,
}

/// A name, or a pattern of names.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    glob: GlobMatcher,
}

/// An error in a file of waivers.
#[derive(Debug, thiserror::Error)]
pub enum WaiverError {
    /// It cannot be read.
    #[error("failed to read {0}: {1}")]
    Read(String, std::io::Error),
    /// A part of it is not valid.
    #[error("{file}:{line}:{column}: {what}")]
    Malformed {
        /// The file.
        file: String,
        /// The line, counted from 1.
        line: usize,
        /// The column in characters, counted from 1.
        column: usize,
        /// What is wrong there, and what was expected.
        what: String,
        /// A remedy that the error itself does not contain.
        help: Option<&'static str>,
    },
}

impl Waivers {
    /// Reads a file of waivers.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or is not valid: with line, column, and what was expected.
    pub fn load(path: &Path) -> Result<Self, WaiverError> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| WaiverError::Read(name.clone(), error))?;
        Self::parse(&name, &text)
    }

    /// Reads the text of a file of waivers; `name` is the file's name in places.
    ///
    /// # Errors
    ///
    /// If it is not valid: with line, column, and what was expected.
    pub fn parse(name: &str, text: &str) -> Result<Self, WaiverError> {
        text::entries(name, text).map(|entries| Self { entries })
    }

    /// The waivers that apply to none of these clients.
    pub(crate) fn about_none_of(&self, clients: &[&str]) -> Vec<&Waiver> {
        let is_absent = |waiver: &&Waiver| !clients.iter().any(|client| waiver.is_about(client));
        self.entries.iter().filter(is_absent).collect()
    }

    /// The waivers, in order.
    pub fn entries(&self) -> &[Waiver] {
        &self.entries
    }
}

impl Pattern {
    /// Reads a pattern: `*` stands for any characters, `/` included.
    ///
    /// # Errors
    ///
    /// If it is not a valid pattern.
    pub fn new(text: &str) -> Result<Self, globset::Error> {
        Ok(Self { text: text.to_owned(), glob: Glob::new(text)?.compile_matcher() })
    }

    /// Whether it matches this name: literally, or as a pattern.
    pub fn matches(&self, name: &str) -> bool {
        self.text == name || self.glob.is_match(name)
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// The current day, in UTC.
pub fn today() -> Date {
    jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::now()).date()
}
