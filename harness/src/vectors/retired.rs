//! Ids of vectors that are no longer generated: they are never reused.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use upward_model::vector::VectorFile;

/// The committed file.
const COMMITTED: &str = include_str!("../../../vectors/retired.json");

/// The retired ids, each with a summary of its vector.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Retired(BTreeMap<String, String>);

impl Retired {
    /// The committed list.
    pub fn committed() -> Self {
        Self::parse(COMMITTED).unwrap_or_default()
    }

    /// Reads the file.
    ///
    /// # Errors
    ///
    /// If the JSON is malformed.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The summary of a retired id's vector.
    pub fn summary(&self, id: &str) -> Option<&str> {
        self.0.get(id).map(String::as_str)
    }

    /// The retired ids that a file wrongly contains.
    pub fn revived<'a>(&self, file: &'a VectorFile) -> Vec<&'a str> {
        ids(file).filter(|id| self.0.contains_key(*id)).collect()
    }

    /// Adds the ids that a protocol's older file has and its newer file does not have.
    pub fn retire(&mut self, older: &VectorFile, newer: &VectorFile) {
        let kept: BTreeSet<&str> = ids(newer).collect();
        for vector in older.vectors.iter().filter(|vector| !kept.contains(vector.id.as_str())) {
            self.0.insert(vector.id.clone(), vector.summary.clone());
        }
    }

    /// The file's text.
    pub fn to_text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

/// The ids of a file, former ones included.
fn ids(file: &VectorFile) -> impl Iterator<Item = &str> {
    file.vectors
        .iter()
        .flat_map(|vector| std::iter::once(&vector.id).chain(&vector.aliases))
        .map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::CATALOGUE;
    use crate::vectors::committed;

    #[test]
    fn what_is_left_out_is_retired_and_noticed_when_it_comes_back() {
        let older = committed("manual").unwrap();
        let mut newer = older.clone();
        let gone = newer.vectors.remove(0);
        let renamed = newer.vectors.remove(0);
        newer.vectors[0].aliases.push(renamed.id.clone());
        let mut retired = Retired::default();
        retired.retire(&older, &newer);
        assert_eq!(retired.summary(&gone.id), Some(gone.summary.as_str()));
        assert_eq!(retired.summary(&renamed.id), None);
        assert_eq!(retired.revived(&newer), Vec::<&str>::new());
        assert_eq!(retired.revived(&older), [gone.id.as_str()]);
        assert_eq!(Retired::parse(&retired.to_text()).ok(), Some(retired));
    }

    #[test]
    fn no_committed_vector_is_retired() {
        let retired = Retired::parse(COMMITTED).unwrap();
        for name in CATALOGUE.iter().map(|entry| entry.protocol.name) {
            assert_eq!(retired.revived(&committed(name).unwrap()), Vec::<&str>::new());
        }
    }
}
