//! From what was recorded to a verdict.
//!
//! Three oracles look at a run, and none of them knows the client's name. *Inclusion*: the lifted
//! run is a run of a sound client of the model, of flawed ones, or of none. *Language*: every byte
//! that left the client outside TLS with an authenticated peer must be of the protocol's allowed
//! clear-text language. *Canaries*: no secret that was planted for the run may be found in those
//! bytes, in any usual encoding. What they find is a set of broken properties; how much each weighs is
//! the protocol's business, and nobody writes a list of accepted outcomes.

mod evidence;
mod kept;
mod naming;
mod outcome;

use upward_model::explain::{Explanation, Habits, Suspect, explain};
use upward_model::flaw::Flaw;
use upward_model::policy::Policy;
use upward_model::property::{Properties, Property};
use upward_model::protocol::{Level, Protocol};
use upward_model::vector::{Outcome, Point};

use self::kept::{Kept, kept};

pub use self::evidence::{Evidence, Exposed, Leak, Stage, Unanswered, Words};
pub use self::outcome::outcome;

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
    let explained = |run| explain(question.protocol, question.sessions, question.habits, run);
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
    let by_steps = agreed(&expected);
    broken.extend(by_steps);
    broken.extend(at_the_end);
    let mut flaws: Vec<Flaw> = suspects.iter().map(|suspect| suspect.flaw).collect();
    // What the model's clients take for a login, and when, is not all that a program may.
    if explanation == Explanation::Nobody
        && question.habits.logs_in
        && policy.needs_tls()
        && naming::leaves_out_login(&evidence.run)
    {
        broken.insert(Property::NoJump);
        flaws.push(Flaw::BelievesEarlySuccess);
    }
    // The steps of a login are one to the model, and several lines on the wire; and what is taken for
    // the last answer shows in the end alone.
    let kept = if policy.needs_tls() { kept(question, evidence) } else { None };
    if let Some(kept) = &kept {
        broken.insert(kept.property);
        flaws.retain(|other| *other != kept.flaw);
        flaws.insert(0, kept.flaw);
    }
    if flaws.is_empty() && policy.needs_tls() {
        flaws.extend(naming::by_place(evidence, &leaks));
    }
    if flaws.is_empty() && by_bytes.is_empty() {
        flaws.extend(naming::by_end(at_the_end));
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
    };
    let unreached = question.reached.is_some_and(|point| !evidence.reached.contains(&point));
    let unseen = evidence.cut && judgement.verdict != Verdict::Fail;
    let contradiction =
        !expected.is_empty() && policy.needs_tls() && by_steps.is_empty() && by_bytes.is_empty();
    if unseen {
        judgement.verdict = Verdict::Inconclusive;
        judgement.reason =
            "said more than is looked at, and nothing can be said of the rest".to_owned();
    } else if unreached && judgement.verdict != Verdict::Fail {
        judgement.verdict = Verdict::Inconclusive;
        judgement.reason = format!(
            "never came to the point that the vector is about ({})",
            question.reached.map_or("", Point::name)
        );
    } else if contradiction && judgement.verdict != Verdict::Fail {
        judgement.verdict = Verdict::Error;
        judgement.reason =
            "did what no sound client does, yet nothing was leaked or left TLS: please report this"
                .to_owned();
    } else if explanation == Explanation::Nobody && judgement.verdict == Verdict::Pass {
        judgement.reason = "gave nothing away, in steps that fit no client of the model".to_owned();
    } else {
        judgement.reason = reason(&judgement, policy, evidence, kept);
    }
    judgement
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

fn reason(
    judgement: &Judgement,
    policy: Policy,
    evidence: &Evidence,
    kept: Option<Kept>,
) -> String {
    let mut worst: Vec<Property> = judgement.broken.iter().collect();
    worst.sort_by_key(|property| outcome::rank(*property));
    // What the bytes show of going on outside TLS: mere words, or a name.
    let went_on = |named: bool| {
        let shown = |leak: &Leak| leak.property == Property::PolicyNotFromWire;
        judgement.leaks.iter().any(|leak| shown(leak) && leak.canary.is_some() == named)
    };
    match (judgement.outcome, worst.first()) {
        (Outcome::Upgraded, None) => "delivered inside authenticated TLS".to_owned(),
        (Outcome::Crashed, None) => "crashed; nothing was given away".to_owned(),
        // With which code may hang on how segments arrive.
        (Outcome::Refused, None) if evidence.claims_success == Some(false) => {
            "gave up and said so".to_owned()
        }
        (Outcome::Refused, None) => "gave up".to_owned(),
        (outcome, None) => format!("{}: nothing that is claimed is broken", outcome.name()),
        (_, Some(Property::PolicyNotFromWire)) if went_on(false) && policy == Policy::Implicit => {
            "spoke in clear, although policy implicit has TLS come first".to_owned()
        }
        (_, Some(Property::PolicyNotFromWire)) if went_on(false) => {
            "sent in clear what may only be sent inside TLS".to_owned()
        }
        (_, Some(Property::PolicyNotFromWire)) if went_on(true) => {
            "sent its user's name in clear".to_owned()
        }
        (_, Some(property)) => kept
            .filter(|kept| kept.property == *property)
            .and_then(|kept| kept.why)
            .unwrap_or_else(|| sentence(*property).to_owned()),
    }
}

/// What happened when a property is broken.
const fn sentence(property: Property) -> &'static str {
    match property {
        Property::NoSecretInClear => "sent a secret in clear",
        Property::NoSecretToUnauthenticatedPeer => {
            "sent a secret to a peer whose certificate is not good for the user's name"
        }
        Property::NothingBetweenRequestAndHandshake => {
            "sent more in clear between the upgrade request and the handshake"
        }
        Property::NoClearSecondChannel => "moved data over an unprotected second connection",
        Property::NoClearRetry => "connected again and went on in clear",
        Property::NoClearRedirect => "followed a redirection that came in clear",
        Property::TlsNotTakenAway => "went on in clear after TLS had ended",
        Property::NoClearBytesUsedInsideTls => {
            "took bytes that came before TLS for a reply inside it"
        }
        Property::ClearKnowledgeForgotten => "used inside TLS what it had been told before it",
        Property::NoJump => "skipped a step because a clear-text reply said so",
        Property::TruncationIsNotSuccess => "reported success although the confirmation never came",
        Property::PolicyNotFromWire => "went on outside TLS because of what the peer said",
        Property::NameFromUser => "checked the certificate against a name from the wire",
        Property::UserTold => "gave up, but ends as it does after success: its user cannot tell",
        Property::NoClearTextShownAsTrusted => "showed text from before TLS to its user",
        Property::AlwaysEnds => "was still alive after the peer had closed and the deadline passed",
        _ => "broke a property",
    }
}
