//! From what was recorded to a verdict.
//!
//! Four oracles look at a run, and none of them knows the client's name. *Inclusion*: the lifted
//! run is a run of a sound client of the model, of flawed ones, or of none. *Language*: every byte
//! that left the client outside TLS with an authenticated peer must be of the protocol's allowed
//! clear-text language. *Canaries*: no secret that was planted for the run may be found in those
//! bytes, in any usual encoding. *Twins*: inside TLS the client says what it says to the same vector
//! without what the attacker does in clear. The oracles find broken properties. The protocol's
//! descriptor says how much each weighs; no list of accepted outcomes exists.

mod carryover;
mod leaks;
mod login;
mod naming;
mod outcome;
mod proof;
mod twin;
mod wording;

use upward_model::explain::{
    Event, Explanation, Habits, Suspect, UnexplainedStep, explain, first_unexplained_step,
};
use upward_model::flaw::Flaw;
use upward_model::message::Layer;
use upward_model::policy::Policy;
use upward_model::property::{Properties, Property};
use upward_model::protocol::{Level, Protocol};
use upward_model::vector::{Certificate, Outcome, Point};

use crate::evidence::{Evidence, Inside};

use self::carryover::{Carryover, carryover};
use self::proof::is_proved;
use self::wording::reason;

pub use self::leaks::Leak;
pub use self::outcome::outcome;
pub(crate) use self::outcome::worst;

/// What is asked about a run.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// The protocol.
    pub protocol: &'static Protocol,
    /// The policy of each of the user's sessions; the last is under test.
    pub sessions: &'a [Policy],
    /// The point without which the run says nothing; none for controls.
    pub reached: Option<Point>,
    /// The flaws that the model says can show here; they are named first.
    pub likely: &'a [Flaw],
    /// What the client does with an honest peer.
    pub habits: Habits,
    /// The certificate that the server shows; `None` for controls.
    pub certificate: Option<Certificate>,
    /// Whether the positive answer to the upgrade request comes in other words than an honest server's.
    pub reworded: bool,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// What the run shows.
    pub outcome: Outcome,
    /// The properties that it broke.
    pub broken: Properties,
    /// What it weighs.
    pub verdict: Verdict,
    /// Why: what the client did, as a sentence without its subject.
    pub reason: String,
    /// The flaws that it looks like; those that the model expects first.
    pub flaws: Vec<Flaw>,
    /// Where in the recording the evidence is.
    pub leaks: Vec<Leak>,
    /// Where no sound client of the model explains the run, and it passes nevertheless or says nothing: the
    /// first step that no sound client would take.
    pub unexplained: Option<String>,
    /// Where the client differs from what it does with the twin: what it said inside TLS here, and there.
    pub compared: Option<[String; 2]>,
}

/// What a run weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// A `must` property is broken.
    Fail,
    /// A `should` property is broken.
    Weak,
    /// Nothing that is claimed is broken.
    Pass,
    /// The run says nothing.
    Inconclusive,
    /// The oracles contradict each other: a mistake of ours.
    Error,
}

impl Verdict {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Weak => "weak",
            Self::Pass => "pass",
            Self::Inconclusive => "inconclusive",
            Self::Error => "error",
        }
    }
}

/// Judges a run.
pub fn judge(question: &Question<'_>, evidence: &Evidence) -> Judgement {
    let policy = question.sessions.last().copied().unwrap_or(Policy::Required);
    let leaks = evidence.leaks(question.protocol, policy);
    let mut broken: Properties = leaks.iter().map(|leak| leak.property).collect();
    let by_bytes = broken;
    let habits = Habits { last_session_at: evidence.last_session_at, ..question.habits };
    let explained = |run| explain(question.protocol, question.sessions, habits, run);
    let explanation = explained(&evidence.run);
    let mut suspects = named(question, &explanation);
    let at_the_end = evidence.at_the_end();
    if at_the_end.has(Property::TruncationIsNotSuccess) && suspects.is_empty() {
        // What did it take for the confirmation: the end of the connection, or something else?
        suspects = named(question, &explained(&evidence.successful_run()));
    }
    // Only what the model says can show here is taken from the steps alone.
    let expected: Vec<Suspect> = suspects
        .iter()
        .filter(|suspect| question.likely.contains(&suspect.flaw))
        .cloned()
        .collect();
    let mut by_steps = agreed(&expected);
    if evidence.twin.as_ref().is_some_and(Inside::pipelines) && unchanged(evidence) {
        // What it sends ahead it sends ahead to the honest server as well.
        by_steps = by_steps.iter().filter(|&property| !is_about_inside(property)).collect();
    }
    broken.extend(by_steps);
    broken.extend(at_the_end);
    let mut flaws: Vec<Flaw> = suspects.iter().map(|suspect| suspect.flaw).collect();
    flaws.retain(|&flaw| is_proved(flaw, question, evidence));
    // Without a twin, the honest control still shows that the client logs in.
    let no_twin = evidence.twin.is_none() && policy.needs_tls() && question.habits.logs_in;
    if no_twin && explanation == Explanation::Nobody && login::leaves_out_login(&evidence.run) {
        broken.insert(Property::NoJump);
        flaws.push(Flaw::BelievesEarlySuccess);
    }
    // The steps of a login are one to the model, and several lines on the wire; and what is taken for
    // the last answer shows in the end alone.
    let carryover = carryover(question, evidence);
    if let Some(carryover) = carryover.as_ref().filter(|carryover| !carryover.is_silence()) {
        broken.insert(carryover.property);
        // Steps inside TLS are off by one once a reply was kept: no other name fits them.
        flaws.retain(|other| carryover.flaw.is_none_or(|flaw| flaw != *other));
        if let Some(flaw) = carryover.flaw {
            flaws.insert(0, flaw);
        }
        // A client that stops does not show when it read what it kept.
        if carryover.flaw == Some(Flaw::KeepsBuffer) && carryover.stops() {
            flaws.insert(1, Flaw::ReadsBufferLate);
        }
    }
    if flaws.is_empty() && policy.needs_tls() {
        flaws.extend(naming::by_place(question, evidence, &leaks));
    }
    if flaws.is_empty() && by_bytes.is_empty() {
        flaws.extend(naming::by_end(at_the_end));
    }
    if let Some(flaw) = flaws.iter_mut().find(|flaw| **flaw == Flaw::AcceptsWrongName)
        && evidence.twin.is_some()
        && proof::takes_name(question, evidence)
    {
        *flaw = Flaw::TakesNameFromWire;
    }
    let outcome = outcome(broken, evidence);
    let broken = claimed(question.protocol, policy, broken);
    let mut judgement = Judgement {
        outcome,
        broken,
        // No property speaks of crashes; bytes from the network that bring one about are at least
        // worth a look.
        verdict: match weigh(question.protocol, broken) {
            Verdict::Pass if evidence.crashed => Verdict::Weak,
            verdict => verdict,
        },
        reason: String::new(),
        flaws,
        leaks,
        unexplained: None,
        compared: carryover.as_ref().map(|_| compared(evidence)),
    };
    let waits = carryover.as_ref().is_some_and(Carryover::is_silence);
    let unreached = !evidence.flooded
        && question.reached.is_some_and(|point| !evidence.reached.contains(&point));
    let unseen = evidence.cut && !evidence.flooded && judgement.verdict != Verdict::Fail;
    let contradiction =
        !expected.is_empty() && policy.needs_tls() && by_steps.is_empty() && by_bytes.is_empty();
    let sound = matches!(explanation, Explanation::Sound(_));
    judgement.reason = reason(&judgement, question.protocol, policy, evidence, carryover.as_ref());
    if unseen {
        judgement.verdict = Verdict::Inconclusive;
        judgement.reason =
            "sent or printed more than the recording limit; the rest was not examined".to_owned();
    } else if unreached && judgement.verdict != Verdict::Fail {
        judgement.verdict = Verdict::Inconclusive;
        judgement.reason = format!(
            "never came to the point that the vector is about ({})",
            question.reached.map_or("", Point::name)
        );
    } else if contradiction && !unchanged(evidence) && judgement.verdict != Verdict::Fail {
        judgement.verdict = Verdict::Error;
        judgement.reason =
            "did what no sound client does, yet nothing was leaked or left TLS: please report this"
                .to_owned();
    } else if let Some(carryover) =
        carryover.as_ref().filter(|_| waits && judgement.verdict == Verdict::Pass)
    {
        judgement.verdict = Verdict::Inconclusive;
        judgement.reason = carryover.difference.to_string();
    } else if !sound && judgement.verdict == Verdict::Pass {
        let strange =
            first_unexplained_step(question.protocol, question.sessions, habits, &evidence.run)
                .map_or_else(|| "its end".to_owned(), |step| described(&step));
        if unchanged(evidence) {
            judgement.reason = format!("{}, in steps that no sound client takes", judgement.reason);
        } else {
            judgement.verdict = Verdict::Inconclusive;
            judgement.reason = format!(
                "unexplained: no sound client of the model takes this step, and no twin shows whether \
                 what came in clear made the difference ({strange})"
            );
        }
        judgement.unexplained = Some(strange);
    }
    judgement
}

/// Whether what came in clear is known to have changed nothing inside TLS: the client said nothing there,
/// it said the same to the twin, or the vector is its own twin.
fn unchanged(evidence: &Evidence) -> bool {
    let inside = &evidence.inside;
    let same = |twin: &Inside| twin.says_something() && inside.differs(twin).is_none();
    let silent = !inside.says_something()
        // What it says there to a server with a bad certificate is not compared.
        && (!inside.accepts_certificate || !inside.dialogues.is_empty());
    silent || !evidence.attacked_in_clear || evidence.twin.as_ref().is_some_and(same)
}

/// What the client said inside TLS, and what it said to the twin.
fn compared(evidence: &Evidence) -> [String; 2] {
    let shown = |inside: Option<&Inside>| {
        let dialogues = inside.map_or(&[][..], |inside| &inside.dialogues);
        dialogues.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ")
    };
    [shown(Some(&evidence.inside)), shown(evidence.twin.as_ref())]
}

/// A step of the client in words.
fn described(step: &UnexplainedStep) -> String {
    let words = match step.event {
        Event::Heard(command, Layer::Clear) => format!("{} in clear", command.word()),
        Event::Heard(command, Layer::Tls) => format!("{} inside TLS", command.word()),
        Event::ClientHello => "a ClientHello".to_owned(),
        _ => "success".to_owned(),
    };
    match step.connection {
        0 => words,
        connection => format!("{words}, on connection {}", connection + 1),
    }
}

/// The flawed clients that explain a run, those that the vector is about first; if there are such,
/// only those.
fn named(question: &Question<'_>, explanation: &Explanation) -> Vec<Suspect> {
    let Explanation::Flawed(suspects) = explanation else { return Vec::new() };
    let likely: Vec<Suspect> = suspects
        .iter()
        .filter(|suspect| question.likely.contains(&suspect.flaw))
        .cloned()
        .collect();
    if likely.is_empty() { suspects.clone() } else { likely }
}

/// What every suspect would have broken: as much as the run proves.
fn agreed(suspects: &[Suspect]) -> Properties {
    let Some((first, rest)) = suspects.split_first() else { return Properties::NONE };
    first.broken.iter().filter(|&p| rest.iter().all(|suspect| suspect.broken.has(p))).collect()
}

/// The broken properties that the protocol and the policy promise.
fn claimed(protocol: &Protocol, policy: Policy, broken: Properties) -> Properties {
    broken
        .iter()
        .filter(|&property| {
            protocol.level(property).0 != Level::NotClaimed
                && upward_model::generate::is_claimed(policy, property)
        })
        .collect()
}

fn weigh(protocol: &Protocol, broken: Properties) -> Verdict {
    match broken.iter().map(|property| protocol.level(property).0).min() {
        Some(Level::Must) => Verdict::Fail,
        Some(Level::Should) => Verdict::Weak,
        Some(Level::NotClaimed) | None => Verdict::Pass,
    }
}

/// Whether a property speaks of what was used inside TLS.
const fn is_about_inside(property: Property) -> bool {
    matches!(
        property,
        Property::NoClearBytesUsedInsideTls | Property::ClearKnowledgeForgotten | Property::NoJump
    )
}
