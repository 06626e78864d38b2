//! From the model to conformance vectors.
//!
//! Every way to send every message to a client at every point of the negotiation is a candidate. Each
//! candidate is played against every sound variant that differs in one choice, and against every flawed
//! client. The outcomes of sound clients, the properties at stake and the flaws shown are computed from
//! those plays; none is written by hand. Generation is deterministic, byte for byte.

mod candidate;
mod cover;
mod evaluate;
mod standing;
mod wording;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::flaw::Flaw;
use crate::policy::Policy;
use crate::property::Properties;
use crate::protocol::{Level, Protocol};
use crate::vector::{FORMAT, NoteRecord, Outcome, Role, Tier, Vector, VectorFile, VectorLevel};

use self::candidate::{Candidate, candidates};
use self::evaluate::{Bench, Evaluation};

pub use self::cover::Coverage;
pub use self::evaluate::{flawed, is_claimed};
pub use self::standing::{Standing, Standings};

/// The vectors of a protocol, and their coverage.
#[derive(Clone, Debug)]
pub struct Generated {
    /// The file.
    pub file: VectorFile,
    /// How much of the common client its plays cover, under each policy.
    pub coverage: BTreeMap<Policy, Coverage>,
    /// The standing of each flaw, and of each pair of flaws.
    pub standings: Standings,
}

/// Generates the vectors of a protocol.
pub fn generate(protocol: &'static Protocol) -> Generated {
    let mut bench = Bench::new(protocol);
    let mut evaluated: Vec<(Candidate, Evaluation)> = Vec::new();
    let mut evaluate = |bench: &mut Bench, candidates: Vec<Candidate>| {
        for candidate in candidates {
            let evaluation = bench.evaluate(&candidate);
            if evaluation.reached.contains(&candidate.reached) {
                evaluated.push((candidate, evaluation));
            }
        }
    };
    evaluate(&mut bench, candidates(protocol));
    for policy in Policy::ALL.into_iter().filter(|policy| policy.needs_tls()) {
        let uncovered = bench.uncovered(policy);
        evaluate(&mut bench, uncovered);
    }
    let tiers = tiers(&evaluated);
    let standings = standing::standings(protocol, &mut bench, &evaluated, &tiers);
    let mut vectors: Vec<Vector> = evaluated
        .iter()
        .zip(tiers)
        .map(|((candidate, evaluation), tier)| vector(protocol, candidate, evaluation, tier))
        .collect();
    vectors.sort_by(|one, other| one.id.cmp(&other.id));
    let shown: BTreeSet<&String> = vectors.iter().flat_map(|vector| &vector.kills).collect();
    let notes: BTreeMap<String, NoteRecord> = Flaw::played()
        .filter(|flaw| shown.contains(&flaw.name().to_owned()))
        .map(|flaw| {
            let note = flaw.note();
            let record = NoteRecord {
                summary: note.summary.to_owned(),
                effect: note.effect.to_owned(),
                cves: note.seen.iter().map(|&cve| cve.to_owned()).collect(),
            };
            (flaw.name().to_owned(), record)
        })
        .collect();
    let file = VectorFile {
        schema: format!("schema/vectors-{FORMAT}.json"),
        format: FORMAT,
        protocol: protocol.name.to_owned(),
        notes,
        vectors,
    };
    Generated { file, coverage: bench.coverage(), standings }
}

/// The tier of each candidate.
///
/// *Smoke* is a greedy cover: first of the flawed clients that cannot be mistaken for sound ones, then
/// of the other flaws. It takes the candidate that shows most of the remaining ones; if equal, the one
/// that breaks more properties inside a client, then the earlier one. *Standard* is the first candidate
/// of each attack class and of each effect (the behaviour of all sound variants and flawed clients),
/// and the other wordings that real clients distinguish. *Full* is the rest: other wordings of the same
/// messages.
fn tiers(evaluated: &[(Candidate, Evaluation)]) -> Vec<Tier> {
    let mut tiers = vec![Tier::Full; evaluated.len()];
    let mut effects = BTreeSet::new();
    let mut classes = BTreeSet::new();
    for (index, (candidate, evaluation)) in evaluated.iter().enumerate() {
        if candidate.apart {
            tiers[index] = Tier::Standard;
            continue;
        }
        let new_effect = effects.insert((candidate.policy, &evaluation.effect));
        let new_class = classes.insert((candidate.policy, candidate.class));
        if new_effect || new_class {
            tiers[index] = Tier::Standard;
        }
    }
    let mut smoke = cover(evaluated, |evaluation| &evaluation.surely, &BTreeSet::new());
    smoke.extend(cover(evaluated, |evaluation| &evaluation.kills, &smoke));
    for index in smoke {
        tiers[index] = Tier::Smoke;
    }
    tiers
}

/// Candidates that together show everything that any candidate shows, in addition to those already
/// taken.
fn cover<T: Ord + Copy>(
    evaluated: &[(Candidate, Evaluation)],
    shown: impl Fn(&Evaluation) -> &BTreeMap<T, Properties>,
    taken: &BTreeSet<usize>,
) -> BTreeSet<usize> {
    let shown: Vec<&BTreeMap<T, Properties>> =
        evaluated.iter().map(|(_, evaluation)| shown(evaluation)).collect();
    let mut missing: BTreeSet<T> = shown.iter().flat_map(|shown| shown.keys()).copied().collect();
    for &index in taken {
        missing.retain(|one| !shown[index].contains_key(one));
    }
    let mut found = BTreeSet::new();
    // Plain candidates are easier to understand; searched ones are for the rest.
    for searched in [false, true] {
        while let Some(index) = best(evaluated, &shown, &missing, searched) {
            found.insert(index);
            missing.retain(|one| !shown[index].contains_key(one));
        }
    }
    found
}

/// The candidate, plain or searched, that shows most of the missing items; `None` if no candidate shows
/// any.
fn best<T: Ord>(
    evaluated: &[(Candidate, Evaluation)],
    shown: &[&BTreeMap<T, Properties>],
    missing: &BTreeSet<T>,
    searched: bool,
) -> Option<usize> {
    let rank = |index: usize| {
        let broken: Vec<usize> = missing
            .iter()
            .filter_map(|one| shown[index].get(one))
            // Broken properties inside a client are easier to see if there are more of them.
            .map(|broken| broken.iter().filter(|property| property.is_inner()).count())
            .collect();
        (broken.len(), broken.iter().sum::<usize>(), Reverse(index))
    };
    (0..evaluated.len())
        .filter(|&index| {
            let candidate = &evaluated[index].0;
            candidate.policy == Policy::Required && candidate.searched == searched
        })
        .map(rank)
        .max()
        .filter(|(count, ..)| *count > 0)
        .map(|(.., Reverse(index))| index)
}

fn vector(
    protocol: &'static Protocol,
    candidate: &Candidate,
    evaluation: &Evaluation,
    tier: Tier,
) -> Vector {
    let family = candidate.class.split('-').next().unwrap_or_default().to_ascii_lowercase();
    let at_stake = evaluation.at_stake();
    let level = at_stake.iter().map(|property| protocol.level(property).0).min();
    let mut requirements: BTreeSet<String> =
        candidate.requirements.iter().map(|&id| id.to_owned()).collect();
    requirements.extend(
        at_stake.iter().map(|property| format!("{}: {}", property, protocol.level(property).1)),
    );
    let sound: BTreeSet<Outcome> = evaluation.sound.clone();
    Vector {
        id: format!("{}/{family}/{}", protocol.name, candidate.slug),
        aliases: Vec::new(),
        summary: candidate.summary.clone(),
        role: Role::Client,
        policy: candidate.policy,
        first_session: candidate.first_session,
        class: candidate.class.to_owned(),
        tier,
        level: match level {
            Some(Level::Must) => VectorLevel::Must,
            Some(Level::Should) => VectorLevel::Should,
            Some(Level::NotClaimed) | None => VectorLevel::May,
        },
        requirements: requirements.into_iter().collect(),
        needs: candidate.needs(),
        peer: candidate.peer(protocol),
        reached: candidate.reached,
        properties: at_stake.iter().map(|property| property.name().to_owned()).collect(),
        sound: sound.into_iter().collect(),
        kills: evaluation.kills.keys().map(|flaw| flaw.name().to_owned()).collect(),
        trace: evaluation.trace.clone(),
        transcript: evaluation.transcript.clone(),
    }
}
