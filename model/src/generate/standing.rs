//! The standing of each flaw, and of each pair of flaws: whether it can be distinguished from sound
//! behaviour, whether it does harm, and whether a vector shows it.

mod alike;

use std::fmt;

use self::alike::Sound;
use super::candidate::Candidate;
use super::evaluate::{Bench, Evaluation};
use crate::client::Negotiator;
use crate::flaw::{Flaw, Flaws};
use crate::policy::Policy;
use crate::property::Properties;
use crate::protocol::Protocol;
use crate::theorem::Flawless;
use crate::variant::Variant;
use crate::vector::Tier;
use crate::world::{Attacker, World};

/// The standing of a client with flaws under policy `required`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It breaks a claimed property, and a vector shows it.
    Killed,
    /// It behaves like each of these sound clients: the protocol has no occasion for the flaw, or the
    /// flaw is a legal choice.
    Explained(Vec<Variant>),
    /// It differs from every sound client and breaks no claimed property.
    Benign,
    /// It breaks these properties, and no vector shows it.
    Missed(Properties),
}

/// The standing of each flaw of a client, and of each pair of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standings(Vec<(Flaws, Standing)>);

impl Standings {
    /// All of them: first the flaws, then the pairs.
    pub fn iter(&self) -> impl Iterator<Item = (Flaws, &Standing)> {
        self.0.iter().map(|(flaws, standing)| (*flaws, standing))
    }

    /// How many flaws, or pairs, are killed, explained, benign and missed.
    pub fn counts(&self, flaws: usize) -> [usize; 4] {
        let mut counts = [0; 4];
        for (_, standing) in self.0.iter().filter(|(of, _)| of.iter().count() == flaws) {
            counts[match standing {
                Standing::Killed => 0,
                Standing::Explained(_) => 1,
                Standing::Benign => 2,
                Standing::Missed(_) => 3,
            }] += 1;
        }
        counts
    }
}

impl fmt::Display for Standings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (size, what)) in [(1, "flaws"), (2, "pairs")].into_iter().enumerate() {
            let [killed, explained, benign, missed] = self.counts(size);
            let comma = if index == 0 { "" } else { "; " };
            write!(
                f,
                "{comma}{what}: {killed} shown, {explained} as sound, {benign} benign, {missed} missed"
            )?;
        }
        Ok(())
    }
}

/// Computes the standings from evaluated vectors.
pub(super) fn standings(
    protocol: &'static Protocol,
    bench: &mut Bench,
    evaluated: &[(Candidate, Evaluation)],
    tiers: &[Tier],
) -> Standings {
    let sound = Flawless::new(protocol, Policy::Required, Attacker::Active);
    let mut others = Sound::new(protocol, sound.users());
    let flaws: Vec<Flaw> = Flaw::played().collect();
    let singles = flaws.iter().map(|&flaw| Flaws::from(flaw));
    let pairs = flaws
        .iter()
        .enumerate()
        .flat_map(|(at, &one)| flaws[at + 1..].iter().map(move |&other| Flaws::of(&[one, other])));
    // The few vectors that show most come first: most pairs need no others.
    let mut order: Vec<usize> = (0..evaluated.len())
        .filter(|&index| evaluated[index].0.policy == Policy::Required)
        .collect();
    order.sort_by_key(|&index| (tiers[index], index));
    let mut killed = |flaws: Flaws| {
        let mut singles = flaws.iter();
        match (singles.next(), singles.next()) {
            (Some(flaw), None) => {
                order.iter().any(|&index| evaluated[index].1.kills.contains_key(&flaw))
            }
            _ => order.iter().any(|&index| {
                let (candidate, evaluation) = &evaluated[index];
                bench.shows(candidate, evaluation, flaws)
            }),
        }
    };
    let mut known: Vec<(Vec<World<Negotiator>>, Standing)> = Vec::new();
    let mut standing = |flaws: Flaws| {
        if killed(flaws) {
            return Standing::Killed;
        }
        // A second flaw often changes nothing. Clients with the same behaviour are judged once.
        let worlds = sound.worlds(flaws);
        let same = |others: &[World<Negotiator>]| {
            worlds.iter().zip(others).all(|(world, other)| world.behaves_like(other))
        };
        if let Some((_, standing)) = known.iter().find(|(others, _)| same(others)) {
            return standing.clone();
        }
        let broken = sound.broken(&worlds);
        let standing = if broken.is_empty() {
            let variants = others.alike(flaws);
            if variants.is_empty() { Standing::Benign } else { Standing::Explained(variants) }
        } else {
            Standing::Missed(broken)
        };
        known.push((worlds, standing.clone()));
        standing
    };
    Standings(singles.chain(pairs).map(|flaws| (flaws, standing(flaws))).collect())
}
