//! Waivers: failures that are known, each with its reason, for a suite that has to stay green.
//!
//! A file of waivers is TOML, and read strictly: a slip in it must not let a failure through. What
//! is waived is played all the same; [`Waivers::apply`] lays the file over the results, and what is
//! wrong with a waiver then (it is not needed, or another outcome shows) fails the run.

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
    /// In the order of the file: the first that names a vector decides about it.
    entries: Vec<Waiver>,
}

/// One waiver.
#[derive(Clone, Debug)]
pub struct Waiver {
    /// Where it is written: file and line.
    pub place: String,
    /// The vectors that it is about.
    pub vector: Pattern,
    /// The clients that it is about; every one if `None`.
    pub client: Option<Pattern>,
    /// What these vectors show; anything else is still a failure.
    pub outcome: Waivable,
    /// Why that is tolerated; never empty.
    pub reason: String,
    /// Where it is dealt with, if anywhere.
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

/// What is wrong with a file of waivers.
#[derive(Debug, thiserror::Error)]
pub enum WaiverError {
    /// It cannot be read.
    #[error("failed to read {0}: {1}")]
    Read(String, std::io::Error),
    /// Something in it is not as it should be.
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
        /// What to do about it, where there is more to say.
        help: Option<&'static str>,
    },
}

impl Waivers {
    /// Reads a file of waivers.
    ///
    /// # Errors
    ///
    /// Where it cannot be read, or is none: with line, column, and what was expected.
    pub fn load(path: &Path) -> Result<Self, WaiverError> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| WaiverError::Read(name.clone(), error))?;
        Self::parse(&name, &text)
    }

    /// Reads the text of a file of waivers; `name` is how places in it are called.
    ///
    /// # Errors
    ///
    /// Where it is none: with line, column, and what was expected.
    pub fn parse(name: &str, text: &str) -> Result<Self, WaiverError> {
        text::entries(name, text).map(|entries| Self { entries })
    }

    /// The waivers that are about none of these clients.
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
    /// Where it is none.
    pub fn new(text: &str) -> Result<Self, globset::Error> {
        Ok(Self { text: text.to_owned(), glob: Glob::new(text)?.compile_matcher() })
    }

    /// Whether it means this name: as it is written, or as a pattern.
    pub fn matches(&self, name: &str) -> bool {
        self.text == name || self.glob.is_match(name)
    }

    /// How it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// The day that it is, in UTC.
pub fn today() -> Date {
    jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::now()).date()
}
