//! Judges a recorded run.
//!
//! Four oracles examine a run; none of them knows the client's name. They find broken properties:
//! - *Inclusion*: the lifted run is a run of a sound client of the model, of flawed ones, or of none.
//! - *Language*: every byte that the client sends outside TLS with an authenticated peer must be of the
//!   protocol's allowed clear-text language.
//! - *Canaries*: no secret of the run may be found in those bytes, in any usual encoding.
//! - *Twins*: inside TLS the client must send the same commands as to the same vector without the
//!   attack in clear.
//!
//! The protocol's descriptor says how much each property weighs; there is no list of accepted outcomes.

mod carryover;
mod findings;
mod leaks;
mod login;
mod naming;
mod outcome;
mod proof;
mod twin;
mod wording;

use upward_model::explain::{Event, Habits, UnexplainedStep, first_unexplained_step};
use upward_model::flaw::Flaw;
use upward_model::message::Layer;
use upward_model::policy::Policy;
use upward_model::property::Properties;
use upward_model::protocol::{Level, Protocol};
use upward_model::vector::{Certificate, Outcome, Point};

use crate::evidence::{Evidence, Inside};

use self::findings::Findings;

use self::wording::reason;

pub use self::leaks::Leak;
pub use self::outcome::outcome;
pub(crate) use self::outcome::worst;

/// A question about a run, for the judge.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// The protocol.
    pub protocol: &'static Protocol,
    /// The policy of each of the user's sessions; the last is under test.
    pub sessions: &'a [Policy],
    /// The point that the run must reach to mean anything; `None` for controls.
    pub reached: Option<Point>,
    /// The flaws that the vector can show according to the model; they are named first.
    pub likely: &'a [Flaw],
    /// The client's habits with an honest peer.
    pub habits: Habits,
    /// The certificate that the server presents; `None` for controls.
    pub certificate: Option<Certificate>,
    /// Whether the positive answer to the upgrade request has other words than an honest server's.
    pub reworded: bool,
}

/// The judge's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The outcome of the run.
    pub outcome: Outcome,
    /// The properties that it broke.
    pub broken: Properties,
    /// The verdict on the run.
    pub verdict: Verdict,
    /// Why: what the client did, as a sentence without its subject.
    pub reason: String,
    /// The flaws that explain the run; those that the model expects first.
    pub flaws: Vec<Flaw>,
    /// The place of the evidence in the recording.
    pub leaks: Vec<Leak>,
    /// The first step that no sound client of the model takes, if the run passes or is inconclusive.
    pub unexplained: Option<String>,
    /// If the client differs from its behaviour with the twin: its commands inside TLS here, and with
    /// the twin.
    pub compared: Option<[String; 2]>,
}

/// The verdict on a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// A `must` property is broken.
    Fail,
    /// A `should` property is broken.
    Weak,
    /// No claimed property is broken.
    Pass,
    /// The run proves nothing.
    Inconclusive,
    /// The oracles contradict each other: a mistake in Upward.
    Error,
}

impl Question<'_> {
    /// The policy under test.
    fn policy(&self) -> Policy {
        self.sessions.last().copied().unwrap_or(Policy::Required)
    }

    /// The client's habits with an honest peer, and the connection with which its last session began in
    /// this run.
    fn habits_in(&self, evidence: &Evidence) -> Habits {
        Habits { last_session_at: evidence.last_session_at, ..self.habits }
    }
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
    let policy = question.policy();
    let findings = Findings::of(question, evidence);
    let broken = claimed(question.protocol, policy, findings.broken);
    let mut judgement = Judgement {
        outcome: outcome(findings.broken, evidence),
        broken,
        // No property is about crashes. Bytes from the network that cause one are at least worth a
        // look.
        verdict: match weigh(question.protocol, broken) {
            Verdict::Pass if evidence.crashed => Verdict::Weak,
            verdict => verdict,
        },
        reason: String::new(),
        flaws: findings.flaws.clone(),
        leaks: findings.leaks.clone(),
        unexplained: None,
        compared: findings.carryover.as_ref().map(|_| compared(evidence)),
    };
    let carryover = findings.carryover.as_ref();
    judgement.reason = reason(&judgement, question.protocol, policy, evidence, carryover);
    doubt(&mut judgement, question, evidence, &findings);
    judgement
}

/// Replaces a verdict that the run does not prove.
fn doubt(
    judgement: &mut Judgement,
    question: &Question<'_>,
    evidence: &Evidence,
    findings: &Findings,
) {
    let fails = judgement.verdict == Verdict::Fail;
    let silence = findings.carryover.as_ref().filter(|carryover| carryover.is_silence());
    let unreached = question.reached.filter(|point| !evidence.reached.contains(point));
    let is_seen = evidence.flooded || !evidence.cut;
    if !is_seen && !fails {
        judgement.verdict = Verdict::Inconclusive;
        judgement.reason =
            "sent or printed more than the recording limit; the rest was not examined".to_owned();
    } else if let Some(point) = unreached.filter(|_| !evidence.flooded && !fails) {
        judgement.verdict = Verdict::Inconclusive;
        judgement.reason =
            format!("never came to the point that the vector is about ({})", point.name());
    } else if findings.contradict(question.policy()) && !unchanged(evidence) && !fails {
        judgement.verdict = Verdict::Error;
        judgement.reason =
            "did what no sound client does, yet nothing was leaked or left TLS: please report this"
                .to_owned();
    } else if let (Some(silence), Verdict::Pass) = (silence, judgement.verdict) {
        judgement.verdict = Verdict::Inconclusive;
        judgement.reason = silence.difference.to_string();
    } else if !findings.is_sound() && judgement.verdict == Verdict::Pass {
        unexplained(judgement, question, evidence);
    }
}

/// A run that breaks no rule, but is not explained by a sound client, passes only if the plaintext is
/// known to have changed nothing inside TLS.
fn unexplained(judgement: &mut Judgement, question: &Question<'_>, evidence: &Evidence) {
    let habits = question.habits_in(evidence);
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

/// Whether the plaintext is known to have changed nothing inside TLS: the client sent nothing there, it
/// sent the same to the twin, or the vector is its own twin.
fn unchanged(evidence: &Evidence) -> bool {
    let inside = &evidence.inside;
    let same = |twin: &Inside| twin.says_something() && inside.differs(twin).is_none();
    let silent = !inside.says_something()
        // Commands inside TLS to a server with a bad certificate are not compared.
        && (!inside.accepts_certificate || !inside.dialogues.is_empty());
    silent || !evidence.attacked_in_clear || evidence.twin.as_ref().is_some_and(same)
}

/// The client's commands inside TLS here, and with the twin.
fn compared(evidence: &Evidence) -> [String; 2] {
    let shown = |inside: Option<&Inside>| {
        let dialogues = inside.map_or(&[][..], |inside| &inside.dialogues);
        dialogues.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ")
    };
    [shown(Some(&evidence.inside)), shown(evidence.twin.as_ref())]
}

/// Describes a step of the client.
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

/// The broken properties that the protocol and the policy claim.
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
