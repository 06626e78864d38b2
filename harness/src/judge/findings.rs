//! The findings of a run: broken properties, the bytes and steps that broke them, and likely flaws.

use upward_model::explain::{Explanation, Run, Suspect, explain};
use upward_model::flaw::Flaw;
use upward_model::policy::Policy;
use upward_model::property::{Properties, Property};

use super::carryover::{Carryover, carryover};
use super::{Leak, Question, login, naming, proof, unchanged};
use crate::evidence::{Evidence, Inside};

/// The findings of a run, before the verdict.
pub(super) struct Findings {
    /// The bytes that broke properties.
    pub(super) leaks: Vec<Leak>,
    /// The properties broken by bytes, by steps, or at the end.
    pub(super) broken: Properties,
    /// The flaws that explain the run, the likeliest first.
    pub(super) flaws: Vec<Flaw>,
    /// Plaintext that was used inside TLS.
    pub(super) carryover: Option<Carryover>,
    explanation: Explanation,
    /// The flawed clients that explain the run, if the model says that the vector can show their flaw.
    expected: Vec<Suspect>,
    by_bytes: Properties,
    by_steps: Properties,
}

impl Findings {
    pub(super) fn of(question: &Question<'_>, evidence: &Evidence) -> Self {
        let leaks = evidence.leaks(question.protocol, question.policy());
        let by_bytes: Properties = leaks.iter().map(|leak| leak.property).collect();
        let explained = |run: &Run| {
            let habits = question.habits_in(evidence);
            explain(question.protocol, question.sessions, habits, run)
        };
        let explanation = explained(&evidence.run);
        let mut suspects = named(question, &explanation);
        let at_the_end = evidence.at_the_end();
        if at_the_end.has(Property::TruncationIsNotSuccess) && suspects.is_empty() {
            // Find out what the client took for the confirmation: the end of the connection, or
            // something else.
            suspects = named(question, &explained(&evidence.successful_run()));
        }
        // Steps alone prove only flaws that the vector can show according to the model.
        let is_likely = |suspect: &&Suspect| question.likely.contains(&suspect.flaw);
        let expected: Vec<Suspect> = suspects.iter().filter(is_likely).cloned().collect();
        let mut by_steps = agreed(&expected);
        if evidence.twin.as_ref().is_some_and(Inside::pipelines) && unchanged(evidence) {
            // The client pipelines the same commands with the honest server.
            by_steps = by_steps.iter().filter(|&property| !is_about_inside(property)).collect();
        }
        let mut broken = by_bytes;
        broken.extend(by_steps);
        broken.extend(at_the_end);
        let mut flaws: Vec<Flaw> = suspects.iter().map(|suspect| suspect.flaw).collect();
        flaws.retain(|&flaw| proof::is_proved(flaw, question, evidence));
        let mut findings = Self {
            leaks,
            broken,
            flaws,
            carryover: carryover(question, evidence),
            explanation,
            expected,
            by_bytes,
            by_steps,
        };
        findings.skip_login(question, evidence);
        findings.carry_over();
        findings.name(question, evidence, at_the_end);
        findings
    }

    /// Whether a sound client of the model explains the run.
    pub(super) const fn is_sound(&self) -> bool {
        matches!(self.explanation, Explanation::Sound(_))
    }

    /// Whether a flaw explains the steps, although neither steps nor bytes break a property.
    pub(super) fn contradict(&self, policy: Policy) -> bool {
        let nothing = self.by_steps.is_empty() && self.by_bytes.is_empty();
        !self.expected.is_empty() && policy.needs_tls() && nothing
    }

    /// Without a twin, the honest control still shows that the client logs in.
    fn skip_login(&mut self, question: &Question<'_>, evidence: &Evidence) {
        let no_twin = evidence.twin.is_none() && question.policy().needs_tls();
        let unexplained = self.explanation == Explanation::Nobody;
        let leaves_out = no_twin && question.habits.logs_in && unexplained;
        if leaves_out && login::leaves_out_login(&evidence.run) {
            self.broken.insert(Property::NoJump);
            self.flaws.push(Flaw::BelievesEarlySuccess);
        }
    }

    /// Adds the difference from the twin. It shows two things that the model's steps cannot: the lines
    /// of a login, which are one step in the model, and a forged last answer, which changes only the
    /// client's end.
    fn carry_over(&mut self) {
        let Some(carryover) = self.carryover.as_ref().filter(|found| !found.is_silence()) else {
            return;
        };
        self.broken.insert(carryover.property);
        // A kept reply shifts all steps inside TLS by one, so this flaw is named first.
        self.flaws.retain(|other| carryover.flaw.is_none_or(|flaw| flaw != *other));
        if let Some(flaw) = carryover.flaw {
            self.flaws.insert(0, flaw);
        }
        // If the client stops, it is unknown when it read the kept reply.
        if carryover.flaw == Some(Flaw::KeepsBuffer) && carryover.stops() {
            self.flaws.insert(1, Flaw::ReadsBufferLate);
        }
    }

    /// Names a flaw by the place of the bytes, or by the end, if the steps show none.
    fn name(&mut self, question: &Question<'_>, evidence: &Evidence, at_the_end: Properties) {
        if self.flaws.is_empty() && question.policy().needs_tls() {
            self.flaws.extend(naming::by_place(question, evidence, &self.leaks));
        }
        if self.flaws.is_empty() && self.by_bytes.is_empty() {
            self.flaws.extend(naming::by_end(at_the_end));
        }
        if let Some(flaw) = self.flaws.iter_mut().find(|flaw| **flaw == Flaw::AcceptsWrongName)
            && evidence.twin.is_some()
            && proof::takes_name(question, evidence)
        {
            *flaw = Flaw::TakesNameFromWire;
        }
    }
}

/// The flawed clients that explain a run. If the vector is about some of these flaws, only those.
fn named(question: &Question<'_>, explanation: &Explanation) -> Vec<Suspect> {
    let Explanation::Flawed(suspects) = explanation else { return Vec::new() };
    let likely: Vec<Suspect> = suspects
        .iter()
        .filter(|suspect| question.likely.contains(&suspect.flaw))
        .cloned()
        .collect();
    if likely.is_empty() { suspects.clone() } else { likely }
}

/// The properties that every suspect would have broken: only these are proved.
fn agreed(suspects: &[Suspect]) -> Properties {
    let Some((first, rest)) = suspects.split_first() else { return Properties::NONE };
    first.broken.iter().filter(|&p| rest.iter().all(|suspect| suspect.broken.has(p))).collect()
}

/// Whether a property is about plaintext used inside TLS.
const fn is_about_inside(property: Property) -> bool {
    matches!(
        property,
        Property::NoClearBytesUsedInsideTls | Property::ClearKnowledgeForgotten | Property::NoJump
    )
}
