//! From the model to conformance vectors.
//!
//! Every way to put every message to a client at every point of the negotiation is a candidate;
//! each is played against every sound variant that differs in one choice and against every flawed
//! client. What the sound ones show, which properties are at stake and which flaws show is read
//! off those plays; nothing is written by hand. Generation is deterministic, byte for byte.

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

/// The vectors of a protocol, and what they cover.
#[derive(Clone, Debug)]
pub struct Generated {
    /// The file.
    pub file: VectorFile,
    /// What its plays cover of the common client, under each policy.
    pub coverage: BTreeMap<Policy, Coverage>,
    /// What becomes of each flaw, and of each pair of flaws.
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
/// *Smoke* is a greedy cover of the flawed clients that no sound one can be taken for, then of the other
/// flaws: whichever candidate shows most of those not yet shown; where equal, the one by which more
/// is broken that happens inside a client, then the earlier one. *Standard* is the first candidate of each attack class and of each
/// effect, where the effect is what every sound variant and every flawed client does, and words that real
/// clients tell from others for the same. *Full* is the rest: other words for the same.
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

/// Candidates that show all that any shows, beside those that are taken already.
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
    // The plain ones say more to a reader; the others are for what those do not show.
    for searched in [false, true] {
        while let Some(index) = best(evaluated, &shown, &missing, searched) {
            found.insert(index);
            missing.retain(|one| !shown[index].contains_key(one));
        }
    }
    found
}

/// The candidate, plain or searched for, that shows most of what is missing; none if none shows any.
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
            // What happens inside a client is seen the better, the more of it happens.
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
