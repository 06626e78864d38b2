//! What a candidate shows: every sound variant and every flawed client is played against it.

use std::collections::{BTreeMap, BTreeSet};

use crate::client::{End, Negotiator, Output};
use crate::dialogue;
use crate::explain::{Event, Explanation, Habits, explain};
use crate::flaw::{Flaw, Flaws, Side};
use crate::generate::candidate::Candidate;
use crate::generate::cover::{Cover, Coverage};
use crate::play::{Plan, Play, play};
use crate::policy::Policy;
use crate::property::{Properties, Property};
use crate::protocol::{Authentication, Level, Protocol};
use crate::variant::Variant;
use crate::vector::{Do, Outcome, Point};
use crate::world::{Attacker, Setting, World};

/// What a candidate shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Evaluation {
    /// What sound variants show.
    pub(super) sound: BTreeSet<Outcome>,
    /// What some sound variant breaks.
    baseline: Properties,
    /// The flaws that show, and the properties that each breaks beyond the sound client.
    pub(super) kills: BTreeMap<Flaw, Properties>,
    /// Of the flawed clients that show, in the order in which they are played, those that no sound client
    /// can be taken for, with the same: they break what bytes alone prove, or say more than any sound one.
    pub(super) surely: BTreeMap<usize, Properties>,
    /// What every party does: candidates of equal effect differ in wording only.
    pub(super) effect: Vec<Vec<Output>>,
    /// The points that the common client reaches.
    pub(super) reached: BTreeSet<Point>,
    /// The model's actions with the common client.
    pub(super) trace: Vec<String>,
    /// The same as a dialogue.
    pub(super) transcript: Vec<String>,
}

impl Evaluation {
    /// The properties that some flawed client loses.
    pub(super) fn at_stake(&self) -> Properties {
        let mut all = Properties::NONE;
        for &broken in self.kills.values() {
            all.extend(broken);
        }
        all
    }
}

/// The worlds of a protocol, compiled once.
pub(super) struct Bench {
    protocol: &'static Protocol,
    worlds: BTreeMap<Vec<Policy>, Vec<(Party, World<Negotiator>)>>,
    covers: BTreeMap<Policy, Cover>,
    /// Clients with several flaws.
    others: BTreeMap<(Vec<Policy>, Flaws), World<Negotiator>>,
}

/// Who is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Party {
    Sound,
    Flawed(Flaw),
}

impl Bench {
    pub(super) const fn new(protocol: &'static Protocol) -> Self {
        Self { protocol, worlds: BTreeMap::new(), covers: BTreeMap::new(), others: BTreeMap::new() }
    }

    /// Sees to it that the worlds of these sessions are there: the first is the common client's.
    fn compile(&mut self, sessions: &[Policy]) {
        let (protocol, covers) = (self.protocol, &mut self.covers);
        self.worlds.entry(sessions.to_vec()).or_insert_with(|| worlds(protocol, sessions, covers));
    }

    /// Candidates for what the vectors of a policy have not covered so far.
    pub(super) fn uncovered(&mut self, policy: Policy) -> Vec<Candidate> {
        let sessions = [policy];
        self.compile(&sessions);
        let world = self.worlds.get(&sessions[..]).and_then(|worlds| worlds.first());
        match (world, self.covers.get_mut(&policy)) {
            (Some((_, world)), Some(cover)) => cover.search(self.protocol, policy, world),
            _ => Vec::new(),
        }
    }

    pub(super) fn evaluate(&mut self, candidate: &Candidate) -> Evaluation {
        let sessions = candidate.sessions();
        let protocol = self.protocol;
        self.compile(&sessions);
        let worlds = self.worlds.get(&sessions).map(Vec::as_slice).unwrap_or_default();
        let plan = candidate.plan(protocol);
        let mut evaluation = Evaluation {
            sound: BTreeSet::new(),
            baseline: Properties::NONE,
            kills: BTreeMap::new(),
            surely: BTreeMap::new(),
            effect: Vec::new(),
            reached: BTreeSet::new(),
            trace: Vec::new(),
            transcript: Vec::new(),
        };
        let mut most = 0;
        for (index, (party, world)) in worlds.iter().enumerate() {
            let played = play(world, &plan);
            let outputs = played.client_outputs();
            let said = outputs.iter().filter(|output| matches!(output, Output::Send(_))).count();
            evaluation.effect.push(outputs);
            match party {
                Party::Sound => {
                    most = most.max(said);
                    evaluation.baseline.extend(played.broken);
                    evaluation.sound.insert(played.outcome);
                }
                Party::Flawed(flaw) => {
                    let broken = shown(protocol, candidate, &plan, &played, evaluation.baseline);
                    if !broken.is_empty() {
                        if said > most || broken.iter().any(|property| !property.is_inner()) {
                            evaluation.surely.insert(index, broken);
                        }
                        evaluation.kills.entry(*flaw).or_insert(Properties::NONE).extend(broken);
                    }
                }
            }
            if index == 0 {
                if let [policy] = sessions[..]
                    && let Some(cover) = self.covers.get_mut(&policy)
                {
                    cover.take(world, &played);
                }
                evaluation.trace = trace(&played);
                evaluation.transcript = dialogue::play(protocol, &played, &candidate.texts());
                evaluation.reached = played.reached;
            }
        }
        evaluation
    }

    /// Whether a vector shows a client with several flaws.
    pub(super) fn shows(
        &mut self,
        candidate: &Candidate,
        evaluation: &Evaluation,
        flaws: Flaws,
    ) -> bool {
        let protocol = self.protocol;
        let sessions = candidate.sessions();
        self.compile(&sessions);
        let Some((_, common)) = self.worlds.get(&sessions).and_then(|worlds| worlds.first()) else {
            return false;
        };
        let world = self.others.entry((sessions.clone(), flaws)).or_insert_with(|| {
            let client = client(protocol, sessions.clone(), Variant::COMMON, flaws);
            let setting = Setting::of(Attacker::Active);
            World::for_play(protocol, client, sessions, setting, Some(common)).counted()
        });
        let plan = candidate.plan(protocol);
        let played = play(world, &plan);
        !shown(protocol, candidate, &plan, &played, evaluation.baseline).is_empty()
    }

    /// What was covered of the common client under each policy.
    pub(super) fn coverage(&self) -> BTreeMap<Policy, Coverage> {
        self.covers
            .iter()
            .filter_map(|(&policy, cover)| {
                let (_, world) = self.worlds.get(&[policy][..])?.first()?;
                Some((policy, cover.coverage(world)))
            })
            .collect()
    }
}

/// What a play of a flawed client shows beyond what sound ones break.
fn shown(
    protocol: &'static Protocol,
    candidate: &Candidate,
    plan: &Plan,
    played: &Play,
    baseline: Properties,
) -> Properties {
    let broken = beyond(protocol, candidate.policy, played.broken, baseline);
    visible(protocol, &candidate.sessions(), plan, played, broken)
}

/// The properties that count: broken here, not by the sound client, and claimed.
fn beyond(
    protocol: &Protocol,
    policy: Policy,
    broken: Properties,
    baseline: Properties,
) -> Properties {
    broken
        .iter()
        .filter(|&property| {
            !baseline.has(property)
                && protocol.level(property).0 != Level::NotClaimed
                && is_claimed(policy, property)
        })
        .collect()
}

/// The broken properties that a peer, or whoever started the client, can see. Acting on injected
/// bytes is seen only where no sound client would have done the same.
fn visible(
    protocol: &'static Protocol,
    sessions: &[Policy],
    plan: &Plan,
    played: &Play,
    broken: Properties,
) -> Properties {
    // Silence about an earlier session is not seen where the last one ends well.
    let last = played.client_outputs().into_iter().rev().find(|o| matches!(o, Output::End(_)));
    let ends_well = last == Some(Output::End(End::Delivered));
    let broken: Properties =
        broken.iter().filter(|&p| p != Property::UserTold || !ends_well).collect();
    if !broken.iter().any(Property::is_inner) {
        return broken;
    }
    let mut run = played.lifted();
    // Success is telling only where the true server never confirmed anything.
    let silent = plan.deviations.iter().any(|planned| planned.action == Do::Withhold);
    if silent
        && played.delivered()
        && let Some(events) = run.last_mut()
    {
        events.push(Event::Succeeded);
    }
    // Whoever runs the vector has seen the same client with an honest peer.
    let habits = Habits { logs_in: protocol.login != Authentication::None };
    match explain(protocol, sessions, habits, &run) {
        Explanation::Flawed(_) => broken,
        Explanation::Sound(_) | Explanation::Nobody => {
            broken.iter().filter(|property| !property.is_inner()).collect()
        }
    }
}

/// Whether a policy promises a property at all. An opportunistic client still owes that what it
/// takes for protected is (RFC 7457 section 2.2), and honesty towards its user.
pub const fn is_claimed(policy: Policy, property: Property) -> bool {
    policy.needs_tls()
        || matches!(
            property,
            Property::NoClearBytesUsedInsideTls
                | Property::ClearKnowledgeForgotten
                | Property::SurvivorsOnlyCauseRefusal
                | Property::NoJump
                | Property::TruncationIsNotSuccess
                | Property::UserTold
                | Property::AlwaysEnds
                | Property::NoClearTextShownAsTrusted
        )
}

/// A client under the bounds of the vectors.
pub(super) fn client(
    protocol: &'static Protocol,
    sessions: Vec<Policy>,
    variant: Variant,
    flaws: Flaws,
) -> Negotiator {
    Negotiator {
        protocol,
        sessions,
        variant,
        flaws,
        ..Negotiator::sound(protocol, Policy::Required)
    }
}

fn worlds(
    protocol: &'static Protocol,
    sessions: &[Policy],
    covers: &mut BTreeMap<Policy, Cover>,
) -> Vec<(Party, World<Negotiator>)> {
    let client = |variant, flaws| client(protocol, sessions.to_vec(), variant, flaws);
    let setting = Setting::of(Attacker::Active);
    // The first is compiled, since coverage is counted over its whole machine.
    let common =
        World::new(protocol, client(Variant::COMMON, Flaws::NONE), sessions.to_vec(), setting);
    if let &[policy] = sessions {
        covers.insert(policy, Cover::of(&common));
    }
    let mut worlds = Vec::new();
    let others = Variant::single().into_iter().skip(1).map(|variant| (variant, None));
    let flawed = flawed(protocol).into_iter().map(|(variant, flaw)| (variant, Some(flaw)));
    for (variant, flaw) in others.chain(flawed) {
        let client = client(variant, flaw.map_or(Flaws::NONE, Flaws::from));
        let world = World::for_play(protocol, client, sessions.to_vec(), setting, Some(&common));
        worlds.push((flaw.map_or(Party::Sound, Party::Flawed), world.counted()));
    }
    worlds.insert(0, (Party::Sound, common.counted()));
    worlds
}

/// Each flaw of a client, and the variant that is played with it: the common one. What is left over
/// when TLS starts is taken for the answer to whatever is asked first, so that there the client that
/// asks for no capabilities inside TLS is played as well.
pub fn flawed(protocol: &Protocol) -> Vec<(Variant, Flaw)> {
    let mut all: Vec<_> = Flaw::of(Side::Client).map(|flaw| (Variant::COMMON, flaw)).collect();
    if protocol.has_hello() && protocol.login != Authentication::None {
        let variant = Variant { asks_inside: false, ..Variant::COMMON };
        all.extend([Flaw::KeepsBuffer, Flaw::KeepsFragment].map(|flaw| (variant, flaw)));
    }
    all
}

/// The actions of a play, one a line.
fn trace(played: &Play) -> Vec<String> {
    played.steps.iter().map(|step| step.action.to_string()).collect()
}
