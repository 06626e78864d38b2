//! Shards of a suite, for several machines: shard 2 of 4 plays every fourth vector, from the second.
//!
//! The selected vectors are sorted by id and distributed in turn, as nextest's `slice:2/4` does with
//! tests. No shard has more than one vector more than another, and each machine computes its share by
//! itself. Controls are run in every shard.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use upward_model::vector::Vector;

/// One share of a suite.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct Shard {
    /// Which share, counted from 1.
    pub index: usize,
    /// How many shares there are.
    pub total: usize,
}

/// A text that is not a valid shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected K/N, the share K of N with 1 <= K <= N, for example 2/4")]
pub struct NoShard;

impl Shard {
    /// The vectors of this share, in the order of their ids.
    pub fn of(self, mut vectors: Vec<Vector>) -> Vec<Vector> {
        vectors.sort_by(|one, other| one.id.cmp(&other.id));
        vectors
            .into_iter()
            .enumerate()
            .filter(|(rank, _)| self.has(*rank))
            .map(|(_, vector)| vector)
            .collect()
    }

    /// Whether the vector of this rank, counted from 0, belongs to it.
    pub const fn has(self, rank: usize) -> bool {
        rank % self.total == self.index - 1
    }
}

impl FromStr for Shard {
    type Err = NoShard;

    fn from_str(text: &str) -> Result<Self, NoShard> {
        let number = |text: &str| text.parse::<usize>().map_err(|_| NoShard);
        let (index, total) = text.split_once('/').ok_or(NoShard)?;
        let shard = Self { index: number(index)?, total: number(total)? };
        if (1..=shard.total).contains(&shard.index) { Ok(shard) } else { Err(NoShard) }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.total)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::vectors::committed;

    #[test]
    fn reads_what_it_writes_and_nothing_else() {
        assert_eq!("2/4".parse(), Ok(Shard { index: 2, total: 4 }));
        for wrong in ["", "2", "0/4", "5/4", "0/0", "1/0", "a/4", "1/4/2", "-1/4", "1/", "/4"] {
            assert_eq!(wrong.parse::<Shard>(), Err(NoShard), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in ".*") {
            if let Ok(shard) = text.parse::<Shard>() {
                prop_assert_eq!(shard.to_string().parse(), Ok(shard));
            }
        }

        /// Every vector is in one share, and no share is larger than another by more than one.
        #[test]
        fn shares_are_fair(total in 1_usize..40, count in 0_usize..60) {
            let vectors: Vec<Vector> =
                committed("manual").unwrap().vectors.into_iter().take(count).rev().collect();
            let shares: Vec<Vec<String>> = (1..=total)
                .map(|index| {
                    let share = Shard { index, total }.of(vectors.clone());
                    share.into_iter().map(|vector| vector.id).collect()
                })
                .collect();
            let sizes: Vec<usize> = shares.iter().map(Vec::len).collect();
            let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
            prop_assert!(most - least <= 1);
            let mut all: Vec<String> = shares.into_iter().flatten().collect();
            all.sort();
            let mut expected: Vec<String> = vectors.into_iter().map(|vector| vector.id).collect();
            expected.sort();
            prop_assert_eq!(all, expected);
        }
    }
}
