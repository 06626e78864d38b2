//! What becomes of each flaw, and of each pair of flaws: whether it can be told from soundness at
//! all, whether it does harm, and whether some vector shows it.

use std::fmt;

use rustc_hash::FxHashSet;

use super::candidate::Candidate;
use super::evaluate::{Bench, Evaluation, client};
use crate::client::{Client, Input, Negotiator, State, View, visible};
use crate::flaw::{Flaw, Flaws};
use crate::machine::{Link, segment_inputs};
use crate::message::Bounds;
use crate::policy::Policy;
use crate::property::Properties;
use crate::protocol::Protocol;
use crate::theorem::Flawless;
use crate::variant::Variant;
use crate::vector::Tier;
use crate::world::Attacker;

/// What becomes of a client with flaws, where TLS is required.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It breaks a property that is claimed, and a vector shows it.
    Killed,
    /// It does whatever each of these sound clients does: the protocol has nothing that the
    /// mistake could be made about, or the mistake is a choice.
    Explained(Vec<Variant>),
    /// It differs from every sound client and breaks nothing that is claimed.
    Benign,
    /// It breaks these, and no vector shows it.
    Missed(Properties),
}

/// What becomes of each flaw of a client, and of each pair of them.
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

/// Works out the standings from vectors that were evaluated.
pub(super) fn standings(
    protocol: &'static Protocol,
    bench: &mut Bench,
    evaluated: &[(Candidate, Evaluation)],
    tiers: &[Tier],
) -> Standings {
    let sound = Flawless::new(protocol, Policy::Required, Attacker::Active);
    let flaws: Vec<Flaw> = Flaw::played().collect();
    let singles = flaws.iter().map(|&flaw| Flaws::from(flaw));
    let pairs = flaws
        .iter()
        .enumerate()
        .flat_map(|(at, &one)| flaws[at + 1..].iter().map(move |&other| Flaws::of(&[one, other])));
    // The few that show most come first: most pairs need no more.
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
    let mut standing = |flaws: Flaws| {
        if killed(flaws) {
            return Standing::Killed;
        }
        let broken = sound.report(flaws).broken;
        if !broken.is_empty() {
            return Standing::Missed(broken);
        }
        let variants = alike(protocol, flaws, sound.users());
        if variants.is_empty() { Standing::Benign } else { Standing::Explained(variants) }
    };
    Standings(singles.chain(pairs).map(|flaws| (flaws, standing(flaws))).collect())
}

/// The sound clients that do the same as a flawed one, whoever the user is.
fn alike<'a>(
    protocol: &'static Protocol,
    flaws: Flaws,
    users: impl Iterator<Item = &'a [Policy]>,
) -> Vec<Variant> {
    let inputs = segment_inputs(protocol, Bounds::STANDARD);
    let mut variants = Variant::all();
    for sessions in users {
        let flawed = client(protocol, sessions.to_vec(), Variant::COMMON, flaws);
        variants.retain(|&variant| {
            same(&inputs, &flawed, &client(protocol, sessions.to_vec(), variant, Flaws::NONE))
        });
    }
    variants
}

/// Whether nobody outside can tell two clients apart, whatever comes in; `segments` are all that
/// can.
fn same(segments: &[Input], one: &Negotiator, other: &Negotiator) -> bool {
    let (first, second) = (one.start(), other.start());
    let start = (first.state, second.state, Link::Down);
    let mut known: FxHashSet<(State, State, Link)> = FxHashSet::default();
    known.insert(start.clone());
    let mut waiting = vec![start];
    while let Some((left, right, link)) = waiting.pop() {
        let view = one.view(&left);
        if view != other.view(&right) {
            return false;
        }
        if view == View::Ended {
            continue;
        }
        for input in link.inputs(view, segments) {
            let (left, right) = (one.step(&left, &input), other.step(&right, &input));
            if visible(&left.outputs) != visible(&right.outputs) {
                return false;
            }
            let next = (left.state, right.state, link.after(&input, &left.outputs));
            if known.insert(next.clone()) {
                waiting.push(next);
            }
        }
    }
    true
}
