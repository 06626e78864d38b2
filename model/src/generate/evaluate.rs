//! What a candidate shows: every sound variant and every flawed client is played against it.

use std::collections::{BTreeMap, BTreeSet};

use crate::client::{End, Input, Negotiator, Output};
use crate::dialogue;
use crate::explain::{Event, Explanation, explain};
use crate::flaw::{Flaw, Flaws, Side};
use crate::generate::candidate::Candidate;
use crate::machine::{Minimal, Transition};
use crate::message::Bounds;
use crate::play::{Plan, Play, play};
use crate::policy::Policy;
use crate::property::{Properties, Property};
use crate::protocol::{Level, Protocol};
use crate::variant::Variant;
use crate::vector::{Do, Outcome, Point};
use crate::world::{Action, Attacker, Setting, World};

/// What a candidate shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Evaluation {
    /// What sound variants show.
    pub(super) sound: BTreeSet<Outcome>,
    /// The flaws that show, and the properties that each breaks beyond the sound client.
    pub(super) kills: BTreeMap<Flaw, Properties>,
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

/// What the plays of a protocol's vectors cover of the common client under `Required`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// States of the [least machine](Minimal) that were left, and all of them.
    pub states: (usize, usize),
    /// Its transitions that were taken, and all of them.
    pub transitions: (usize, usize),
}

/// The worlds of a protocol, compiled once.
pub(super) struct Bench {
    protocol: &'static Protocol,
    worlds: BTreeMap<Vec<Policy>, Vec<(Party, World<Negotiator>)>>,
    seen: BTreeSet<Transition>,
    least: Option<Minimal>,
}

/// Who is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Party {
    Sound,
    Flawed(Flaw),
}

impl Bench {
    pub(super) const fn new(protocol: &'static Protocol) -> Self {
        Self { protocol, worlds: BTreeMap::new(), seen: BTreeSet::new(), least: None }
    }

    pub(super) fn evaluate(&mut self, candidate: &Candidate) -> Evaluation {
        let sessions = candidate.sessions();
        let protocol = self.protocol;
        let worlds =
            self.worlds.entry(sessions.clone()).or_insert_with(|| worlds(protocol, &sessions));
        let plan = candidate.plan(protocol);
        let mut evaluation = Evaluation {
            sound: BTreeSet::new(),
            kills: BTreeMap::new(),
            effect: Vec::new(),
            reached: BTreeSet::new(),
            trace: Vec::new(),
            transcript: Vec::new(),
        };
        let mut baseline = Properties::NONE;
        for (index, (party, world)) in worlds.iter().enumerate() {
            let played = play(world, &plan);
            evaluation.effect.push(played.client_outputs());
            match party {
                Party::Sound => {
                    baseline.extend(played.broken);
                    evaluation.sound.insert(played.outcome);
                }
                Party::Flawed(flaw) => {
                    let broken = beyond(protocol, candidate.policy, played.broken, baseline);
                    let broken = visible(protocol, &sessions, &plan, &played, broken);
                    if !broken.is_empty() {
                        evaluation.kills.insert(*flaw, broken);
                    }
                }
            }
            if index == 0 {
                if sessions == [Policy::Required] {
                    let least = self.least.get_or_insert_with(|| world.least());
                    cover(&mut self.seen, least, world, &played);
                }
                evaluation.trace = trace(&played);
                evaluation.transcript = dialogue::play(protocol, &played, &candidate.texts());
                evaluation.reached = played.reached;
            }
        }
        evaluation
    }

    pub(super) fn coverage(&self) -> Coverage {
        let Some(least) = &self.least else { return Coverage::default() };
        let states: BTreeSet<usize> = self.seen.iter().map(|transition| transition.from).collect();
        Coverage {
            // Nothing leaves the end.
            states: (states.len(), least.states() - 1),
            transitions: (self.seen.len(), least.transitions()),
        }
    }
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
    let in_the_mind = |property: &Property| {
        matches!(
            property,
            Property::NoClearBytesUsedInsideTls
                | Property::ClearKnowledgeForgotten
                | Property::SurvivorsOnlyCauseRefusal
                | Property::NoJump
                | Property::Agreement
        )
    };
    // Silence about an earlier session is not seen where the last one ends well.
    let last = played.client_outputs().into_iter().rev().find(|o| matches!(o, Output::End(_)));
    let ends_well = last == Some(Output::End(End::Delivered));
    let broken: Properties =
        broken.iter().filter(|&p| p != Property::UserTold || !ends_well).collect();
    if !broken.iter().any(|property| in_the_mind(&property)) {
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
    match explain(protocol, sessions, &run) {
        Explanation::Flawed(_) => broken,
        Explanation::Sound(_) | Explanation::Nobody => {
            broken.iter().filter(|property| !in_the_mind(property)).collect()
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

fn worlds(protocol: &'static Protocol, sessions: &[Policy]) -> Vec<(Party, World<Negotiator>)> {
    let client = |variant, flaws: Flaws| Negotiator {
        protocol,
        sessions: sessions.to_vec(),
        variant,
        flaws,
        bounds: Bounds::STANDARD,
    };
    let setting = Setting::of(Attacker::Active);
    // The first is compiled, since coverage is counted over its whole machine.
    let common =
        World::new(protocol, client(Variant::COMMON, Flaws::NONE), sessions.to_vec(), setting);
    let mut worlds = Vec::new();
    let others = Variant::single().into_iter().skip(1).map(|variant| (variant, None));
    let flawed = Flaw::of(Side::Client).map(|flaw| (Variant::COMMON, Some(flaw)));
    for (variant, flaw) in others.chain(flawed) {
        let client = client(variant, flaw.map_or(Flaws::NONE, Flaws::from));
        let world = World::for_play(protocol, client, sessions.to_vec(), setting, Some(&common));
        worlds.push((flaw.map_or(Party::Sound, Party::Flawed), world.counted()));
    }
    worlds.insert(0, (Party::Sound, common.counted()));
    worlds
}

/// The transitions that a play took.
fn cover(
    seen: &mut BTreeSet<Transition>,
    least: &Minimal,
    world: &World<Negotiator>,
    played: &Play,
) {
    for step in &played.steps {
        let input = match &step.action {
            Action::ToClient(segment) => Input::Segment(segment.clone()),
            Action::Handshake(peer) => Input::Handshake(*peer),
            Action::FailHandshake => Input::HandshakeFailed,
            Action::EndTls => Input::TlsEnded,
            Action::Close(close) => Input::Closed(*close),
            Action::Deadline => Input::Deadline,
            Action::ToServer(_) | Action::Redial(_) => continue,
        };
        let (next, outputs) = world.client_step(&step.before, &input);
        let outputs = world.clients().outputs_id(&outputs);
        let taken = outputs.and_then(|o| least.transition(step.before.client, o, next));
        seen.extend(taken);
    }
}

/// The actions of a play, one a line.
fn trace(played: &Play) -> Vec<String> {
    played.steps.iter().map(|step| step.action.to_string()).collect()
}
