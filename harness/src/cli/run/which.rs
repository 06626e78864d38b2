//! Selects the vectors to play.

use upward_model::vector::{Tier, Vector};

use super::{NOTHING, Run};
use crate::cli::{Failure, protocol};
use crate::profile::Profile;
use crate::report;
use crate::results::tier_name;
use crate::suggestions::did_you_mean;
use crate::vectors::{self, Selection};

impl Run {
    /// The vectors that are meant for a client. A pattern selects from every tier up to this one or, where
    /// that is larger, the one of `--tier`; without `--tier`, from all.
    pub(super) fn vectors(&self, profile: &Profile, tier: Tier) -> Result<Vec<Vector>, Failure> {
        let name = protocol(&profile.protocol)?.name;
        let selection = Selection {
            patterns: self.filter.clone(),
            tier: Some(tier),
            policy: Some(profile.policy),
        };
        let mut vectors =
            selection.of(self.load(name)?).map_err(|error| Failure::new(error.to_string()))?;
        if let Some(asked) = self.tier {
            let largest = Tier::from(asked).max(tier);
            vectors.retain(|vector| vector.tier <= largest);
        }
        Ok(vectors)
    }

    /// Refuses a pattern that matches no vector of any of these clients: it is a slip of the pen.
    pub(super) fn each_pattern_matches(&self, profiles: &[Profile]) -> Result<(), Failure> {
        for pattern in &self.filter {
            let one = Self { filter: vec![pattern.clone()], ..self.clone() };
            let mut matches = false;
            for profile in profiles {
                matches = !one.vectors(profile, Tier::Full)?.is_empty();
                if matches {
                    break;
                }
            }
            if !matches {
                return Err(Failure::new(format!(
                    "no vector for this protocol and policy is called `{pattern}`"
                ))
                .code(NOTHING)
                .help(format!(
                    "{}`upward vectors list` shows the ids that -f can name",
                    elsewhere(pattern)
                )));
            }
        }
        Ok(())
    }

    /// Those clients for which any vector is meant.
    pub(super) fn selected(
        &self,
        profiles: Vec<Profile>,
        tier: Tier,
    ) -> Result<Vec<Profile>, Failure> {
        self.each_pattern_matches(&profiles)?;
        let mut selected = Vec::new();
        for profile in profiles {
            if !self.vectors(&profile, tier)?.is_empty() {
                selected.push(profile);
            }
        }
        if selected.is_empty() { Err(nothing_selected(tier)) } else { Ok(selected) }
    }

    /// The vectors of this shard; all where there is none.
    pub(super) fn share(&self, chosen: &[Vector]) -> Result<Vec<Vector>, Failure> {
        let Some(shard) = self.shard else { return Ok(chosen.to_vec()) };
        let share = shard.of(chosen.to_vec());
        if share.is_empty() {
            let count = chosen.len();
            let selected = report::vectors(count);
            return Err(Failure::new(format!("shard {shard} is empty: {selected} in all"))
                .help(format!("deal them out to at most {count} shards")));
        }
        Ok(share)
    }

    pub(super) fn load(&self, protocol: &str) -> Result<Vec<Vector>, Failure> {
        let file = match &self.vectors {
            Some(path) => vectors::load(path),
            None => vectors::committed(protocol),
        };
        file.map(|file| file.vectors).map_err(|error| Failure::new(error.to_string()))
    }
}

/// What a pattern that matches nothing may have meant, with a blank behind it: vectors of another protocol or
/// policy, or an id that is near; nothing where no id is.
fn elsewhere(pattern: &str) -> String {
    let all = vectors::all();
    let selection = Selection { patterns: vec![pattern.to_owned()], tier: None, policy: None };
    let there = selection.of(all.to_vec()).unwrap_or_default();
    there.first().map_or_else(
        || did_you_mean(pattern, all.iter().map(|vector| &*vector.id)),
        |vector| {
            format!("{} speaks {} under policy {}; ", vector.id, vector.peer.persona, vector.policy)
        },
    )
}

/// No vector of a tier is meant.
pub(super) fn nothing_selected(tier: Tier) -> Failure {
    let what = format!("tier {} has no vector for this protocol and policy", tier_name(tier));
    Failure::new(what).code(NOTHING).help("a larger one may: --tier standard")
}
