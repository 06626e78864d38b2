//! Evaluates a candidate: plays it against every sound variant and every flawed client.

use std::collections::{BTreeMap, BTreeSet};

use crate::client::{End, Negotiator, Output, Peer};
use crate::dialogue;
use crate::explain::{Event, Explanation, Habits, explain};
use crate::flaw::{Flaw, Flaws};
use crate::generate::candidate::Candidate;
use crate::generate::cover::{Cover, Coverage};
use crate::message::{Command, Layer};
use crate::play::{Plan, Planned, Play, play};
use crate::policy::Policy;
use crate::property::{Properties, Property};
use crate::protocol::{Authentication, Level, Protocol};
use crate::variant::{Login, Variant};
use crate::vector::{Do, Outcome, Point};
use crate::world::{Attacker, Setting, World};

/// The result of evaluating a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Evaluation {
    /// The outcomes of sound variants.
    pub(super) sound: BTreeSet<Outcome>,
    /// The properties that some sound variant breaks.
    baseline: Properties,
    /// The flaws shown, and the properties that each breaks beyond the sound client.
    pub(super) kills: BTreeMap<Flaw, Properties>,
    /// The flawed clients shown, by their place in the order of play, that cannot be mistaken for sound
    /// ones, with the broken properties. They break properties that bytes alone prove, or send more
    /// than any sound client.
    pub(super) surely: BTreeMap<usize, Properties>,
    /// The outputs of every party: candidates with the same effect differ only in wording.
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
    worlds: BTreeMap<Honest, Vec<(Party, World<Negotiator>)>>,
    covers: BTreeMap<Policy, Cover>,
    /// Clients with several flaws.
    others: BTreeMap<(Honest, Flaws), World<Negotiator>>,
    /// The commands of each party inside TLS in the twin of a plan.
    twins: BTreeMap<(Honest, String), Vec<Option<Vec<Command>>>>,
}

/// The honest part of a candidate: the user's sessions, and whether the server lists its logins.
type Honest = (Vec<Policy>, bool);

/// The client that is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Party {
    Sound,
    Flawed(Flaw),
}

impl Bench {
    pub(super) const fn new(protocol: &'static Protocol) -> Self {
        Self {
            protocol,
            worlds: BTreeMap::new(),
            covers: BTreeMap::new(),
            others: BTreeMap::new(),
            twins: BTreeMap::new(),
        }
    }

    /// Compiles the worlds of these sessions if necessary: the first is the common client's.
    fn compile(&mut self, honest: &Honest) {
        let (protocol, covers) = (self.protocol, &mut self.covers);
        self.worlds.entry(honest.clone()).or_insert_with(|| worlds(protocol, honest, covers));
    }

    /// Candidates for transitions that the vectors of a policy have not covered so far.
    pub(super) fn uncovered(&mut self, policy: Policy) -> Vec<Candidate> {
        let honest = (vec![policy], true);
        self.compile(&honest);
        let world = self.worlds.get(&honest).and_then(|worlds| worlds.first());
        match (world, self.covers.get_mut(&policy)) {
            (Some((_, world)), Some(cover)) => cover.search(self.protocol, policy, world),
            _ => Vec::new(),
        }
    }

    pub(super) fn evaluate(&mut self, candidate: &Candidate) -> Evaluation {
        let protocol = self.protocol;
        let plan = candidate.plan(protocol);
        let honest = (candidate.sessions(), plan.lists_logins());
        self.compile(&honest);
        let worlds = self.worlds.get(&honest).map(Vec::as_slice).unwrap_or_default();
        let sessions = &honest.0;
        let twin = twin(&plan);
        let twins = self.twins.entry((honest.clone(), format!("{twin:?}"))).or_default();
        twins.resize(worlds.len(), None);
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
                    let twin =
                        || twins[index].get_or_insert_with(|| inside(&play(world, &twin))).clone();
                    let broken =
                        shown(protocol, candidate, &plan, &played, evaluation.baseline, twin);
                    if !broken.is_empty() {
                        if said > most || broken.iter().any(|property| !property.is_inner()) {
                            evaluation.surely.insert(index, broken);
                        }
                        evaluation.kills.entry(*flaw).or_insert(Properties::NONE).extend(broken);
                    }
                }
            }
            if index == 0 {
                if honest.1
                    && let [policy] = sessions[..]
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
        let plan = candidate.plan(protocol);
        let honest = (candidate.sessions(), plan.lists_logins());
        self.compile(&honest);
        let Some((_, common)) = self.worlds.get(&honest).and_then(|worlds| worlds.first()) else {
            return false;
        };
        let world = self.others.entry((honest.clone(), flaws)).or_insert_with(|| {
            let (sessions, lists_logins) = honest;
            let client = client(protocol, sessions.clone(), Variant::COMMON, flaws);
            let setting = Setting { lists_logins, ..Setting::of(Attacker::Active) };
            World::for_play(protocol, client, sessions, setting, Some(common)).counted()
        });
        let played = play(world, &plan);
        let twin = || inside(&play(world, &twin(&plan)));
        !shown(protocol, candidate, &plan, &played, evaluation.baseline, twin).is_empty()
    }

    /// The coverage of the common client under each policy.
    pub(super) fn coverage(&self) -> BTreeMap<Policy, Coverage> {
        self.covers
            .iter()
            .filter_map(|(&policy, cover)| {
                let (_, world) = self.worlds.get(&(vec![policy], true))?.first()?;
                Some((policy, cover.coverage(world)))
            })
            .collect()
    }
}

/// The properties that a play of a flawed client shows as broken, beyond those that sound ones break.
fn shown(
    protocol: &'static Protocol,
    candidate: &Candidate,
    plan: &Plan,
    played: &Play,
    baseline: Properties,
    twin: impl FnOnce() -> Vec<Command>,
) -> Properties {
    let broken = beyond(protocol, candidate.policy, played.broken, baseline);
    visible(protocol, &candidate.sessions(), plan, played, broken, twin)
}

/// A plan without the attacker's deviations in clear; those inside TLS stay.
fn twin(plan: &Plan) -> Plan {
    let inside = |planned: &&Planned| planned.at.is_inside();
    Plan {
        certificate: plan.certificate,
        deviations: plan.deviations.iter().filter(inside).cloned().collect(),
    }
}

/// The client's commands inside TLS with the true server, without its goodbye.
fn inside(played: &Play) -> Vec<Command> {
    let heard = |event| match event {
        Event::Heard(command, Layer::Tls) if command != Command::Goodbye => Some(command),
        _ => None,
    };
    played.lifted().into_iter().flatten().filter_map(heard).collect()
}

/// Whether a client with the same true server inside TLS behaves otherwise there than without the
/// attack in clear. A client that stops before its first command there has noticed the attack.
fn used_clear_text(now: &[Command], twin: &[Command]) -> bool {
    !now.is_empty() && now != twin
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

/// The broken properties that the peer, or the program that started the client, can see. Use of
/// injected bytes is visible only if no sound client would have done the same.
fn visible(
    protocol: &'static Protocol,
    sessions: &[Policy],
    plan: &Plan,
    played: &Play,
    broken: Properties,
    twin: impl FnOnce() -> Vec<Command>,
) -> Properties {
    // An earlier silent session is not visible if the last one ends well.
    let last = played.client_outputs().into_iter().rev().find(|o| matches!(o, Output::End(_)));
    let ends_well = last == Some(Output::End(End::Delivered));
    let broken: Properties =
        broken.iter().filter(|&p| p != Property::UserTold || !ends_well).collect();
    if !broken.iter().any(Property::is_inner) {
        return broken;
    }
    let one_session = sessions.len() == 1 && plan.certificate == Peer::Genuine;
    if one_session && used_clear_text(&inside(played), &twin()) {
        return broken;
    }
    let mut run = played.lifted();
    // Success proves something only if the true server never confirmed anything.
    let silent = plan.deviations.iter().any(|planned| planned.action == Do::Withhold);
    if silent
        && played.delivered()
        && let Some(events) = run.last_mut()
    {
        events.push(Event::Succeeded);
    }
    // The runner of the vector has seen the same client with an honest peer.
    let logs_in = protocol.login != Authentication::None;
    let habits = Habits { logs_in, ..Habits::default() };
    match explain(protocol, sessions, habits, &run) {
        Explanation::Flawed(_) => broken,
        Explanation::Sound(_) | Explanation::Nobody => {
            broken.iter().filter(|property| !property.is_inner()).collect()
        }
    }
}

/// Whether a policy claims a property at all. Under any policy, an opportunistic client must not treat
/// plaintext as protected (RFC 7457 section 2.2), and must be honest to its user.
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
                | Property::NoClearDataHandedOver
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
    (sessions, lists_logins): &Honest,
    covers: &mut BTreeMap<Policy, Cover>,
) -> Vec<(Party, World<Negotiator>)> {
    let client = |variant, flaws| client(protocol, sessions.to_vec(), variant, flaws);
    let setting = Setting { lists_logins: *lists_logins, ..Setting::of(Attacker::Active) };
    let common = client(Variant::COMMON, Flaws::NONE);
    // It is compiled if coverage is counted over its whole machine.
    let common = if let (&[policy], true) = (&sessions[..], *lists_logins) {
        let common = World::new(protocol, common, sessions.to_vec(), setting);
        covers.insert(policy, Cover::of(&common));
        common
    } else {
        World::for_play(protocol, common, sessions.to_vec(), setting, None)
    };
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

/// Each flaw of a client, and the variants that are played with it: the common one first.
///
/// A message left over when TLS starts is accepted as the answer to the client's next request. For such
/// flaws, also plays clients that request no capabilities inside TLS, that accept any positive reply,
/// and that answer a challenge. A client that requests the upgrade directly learns the offer from the
/// greeting.
pub fn flawed(protocol: &Protocol) -> Vec<(Variant, Flaw)> {
    let mut all: Vec<_> = Flaw::played().map(|flaw| (Variant::COMMON, flaw)).collect();
    let common = Variant::COMMON;
    let keeps =
        [Flaw::KeepsBuffer, Flaw::ReadsBufferLate, Flaw::KeepsFragment, Flaw::KeepsOpenReply];
    if protocol.has_hello() {
        let variant = Variant { reads_laxly: true, ..common };
        all.extend(keeps.map(|flaw| (variant, flaw)));
    }
    if protocol.has_hello() && protocol.login != Authentication::None {
        for variant in [
            Variant { asks_inside: false, ..common },
            Variant { asks_inside: false, login: Login::Challenged, ..common },
        ] {
            all.extend(keeps.map(|flaw| (variant, flaw)));
        }
    }
    if protocol.greets_with_capabilities() {
        let variant = Variant { asks_first: false, ..common };
        let flaws = [Flaw::IgnoresMissingOffer, Flaw::KeepsCapabilities];
        all.extend(flaws.map(|flaw| (variant, flaw)));
    }
    all
}

/// The actions of a play, one on each line.
fn trace(played: &Play) -> Vec<String> {
    played.steps.iter().map(|step| step.action.to_string()).collect()
}
