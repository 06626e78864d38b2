//! The vectors: the committed ones, which are built in, and those from other files.

mod retired;

use std::path::Path;
use std::sync::LazyLock;

use globset::{Glob, GlobSet, GlobSetBuilder};
use upward_model::policy::Policy;
use upward_model::vector::{FORMAT, Tier, Vector, VectorFile};

use crate::catalogue::{self, CATALOGUE};
use crate::place;

pub use self::retired::Retired;

/// An error of vectors.
#[derive(Debug, thiserror::Error)]
pub enum VectorError {
    /// There are no vectors for a protocol.
    #[error("there are no vectors for protocol `{0}`; there are some for: {1}")]
    None(String, String),
    /// A file cannot be read.
    #[error("failed to read {0}: {1}")]
    Read(String, std::io::Error),
    /// A file is not a valid file of vectors.
    #[error("{file}:{line}:{column}: {what}")]
    Malformed {
        /// The file.
        file: String,
        /// The line, counted from 1.
        line: usize,
        /// The column, counted from 1.
        column: usize,
        /// What is wrong there, and what was expected.
        what: String,
    },
    /// A file is of another version.
    #[error("{file}: format {found}, but this program knows format {FORMAT}")]
    Format {
        /// The file.
        file: String,
        /// Its format.
        found: u32,
    },
    /// A filter is not a valid pattern.
    #[error("bad pattern: {0}")]
    Pattern(#[from] globset::Error),
}

/// The committed vectors of a protocol.
///
/// # Errors
///
/// If the protocol has none.
pub fn committed(protocol: &str) -> Result<VectorFile, VectorError> {
    let entry = catalogue::by_name(protocol)
        .ok_or_else(|| VectorError::None(protocol.to_owned(), catalogue::names()))?;
    parse(&format!("vectors/{protocol}.json"), entry.vectors)
}

/// The committed vectors of every protocol, read once.
pub(crate) fn all() -> &'static [Vector] {
    static ALL: LazyLock<Vec<Vector>> = LazyLock::new(|| {
        let files = CATALOGUE.iter().filter_map(|entry| committed(entry.protocol.name).ok());
        files.flat_map(|file| file.vectors).collect()
    });
    &ALL
}

/// Reads a file of vectors.
///
/// # Errors
///
/// If the file cannot be read or is malformed, with file, line and column.
pub fn load(path: &Path) -> Result<VectorFile, VectorError> {
    let name = path.display().to_string();
    let text =
        std::fs::read_to_string(path).map_err(|error| VectorError::Read(name.clone(), error))?;
    parse(&name, &text)
}

fn parse(name: &str, text: &str) -> Result<VectorFile, VectorError> {
    let file: VectorFile = serde_json::from_str(text).map_err(|error| VectorError::Malformed {
        file: name.to_owned(),
        line: error.line(),
        column: error.column(),
        what: place::json(&error),
    })?;
    if file.format != FORMAT {
        return Err(VectorError::Format { file: name.to_owned(), found: file.format });
    }
    Ok(file)
}

/// A selection of vectors.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Patterns of ids; all if empty.
    pub patterns: Vec<String>,
    /// The largest tier; all if `None`.
    pub tier: Option<Tier>,
    /// The policy; all if `None`.
    pub policy: Option<Policy>,
}

impl Selection {
    /// The selected vectors, in order. A pattern selects from every tier.
    ///
    /// # Errors
    ///
    /// If a pattern is not valid.
    pub fn of(&self, vectors: Vec<Vector>) -> Result<Vec<Vector>, VectorError> {
        let patterns = self.globs()?;
        let named = |vector: &Vector| {
            patterns.is_match(&vector.id)
                || vector.aliases.iter().any(|alias| patterns.is_match(alias))
        };
        Ok(vectors
            .into_iter()
            .filter(|vector| self.policy.is_none_or(|policy| policy == vector.policy))
            .filter(|vector| {
                if self.patterns.is_empty() {
                    self.tier.is_none_or(|tier| vector.tier <= tier)
                } else {
                    named(vector)
                }
            })
            .collect())
    }

    fn globs(&self) -> Result<GlobSet, VectorError> {
        let mut builder = GlobSetBuilder::new();
        for pattern in &self.patterns {
            builder.add(Glob::new(pattern)?);
        }
        Ok(builder.build()?)
    }
}

/// The text of a committed file of vectors: two-space JSON with a final line end.
pub fn to_text(file: &VectorFile) -> String {
    let mut text = serde_json::to_string_pretty(file).unwrap_or_default();
    text.push('\n');
    text
}
