//! The client under test, whatever it is: a program that is started, or a function that is called.
//!
//! Controls and repetition are written against this, so that both are judged alike.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use upward_model::explain::Habits;
use upward_model::policy::Policy;
use upward_model::protocol::Protocol;
use upward_model::vector::{Certificate, Vector};

use crate::evidence::Evidence;
use crate::judge::Judgement;
use crate::profile::Trait;
use crate::scene::Scene;
use crate::suite::twins::Twins;
use crate::suite::{PATIENCE, SuiteError, end};
use crate::trial::{Stagehand, Trial, judge_honest, judge_vector};

/// The client under test.
pub(crate) trait Subject: Sized {
    /// The protocol that it speaks.
    fn protocol(&self) -> &'static Protocol;

    /// What its user asked for.
    fn policy(&self) -> Policy;

    /// What is known of it.
    fn known(&self) -> &Known;

    /// The same, to be added to.
    fn known_mut(&mut self) -> &mut Known;

    /// Runs it once. `folder` names the run among all others.
    fn launch(
        &self,
        scene: &Scene,
        folder: &str,
        destination: Destination,
    ) -> impl Future<Output = Result<Launched, SuiteError>> + Send;

    /// Whether its authors announce a trait.
    fn announces(&self, announced: Trait) -> bool {
        let _ = announced;
        false
    }

    /// Whether it is told which authority to trust.
    fn is_told_authority(&self) -> bool;

    /// Where its authors announce just what a judgement says: their words.
    fn announced(&self, vector: &Vector, judgement: &Judgement) -> Option<String> {
        let _ = (vector, judgement);
        None
    }

    /// How to run one vector again.
    fn again(&self, id: &str) -> String;

    /// Runs it against an honest persona.
    fn honest(
        &self,
        folder: &str,
    ) -> impl Future<Output = Result<(Launched, Judgement), SuiteError>> + Send
    where
        Self: Sync,
    {
        async move {
            let scene = Scene::honest(self.protocol(), self.policy());
            let launched = self.launch(&scene, folder, Destination::Persona).await?;
            let judgement = judge_honest(&scene, &launched.trial.evidence);
            Ok((launched, judgement))
        }
    }

    /// Runs it against a vector. `patience` is how long the persona waits for it, where that is not what was
    /// learned of it.
    fn vector(
        &self,
        vector: &Vector,
        folder: &str,
        patience: Option<Duration>,
    ) -> impl Future<Output = Result<(Launched, Judgement), SuiteError>> + Send
    where
        Self: Sync,
    {
        async move {
            let scene = Scene { patience, ..Scene::of(self.protocol(), vector) };
            let launched = self.launch(&scene, folder, Destination::Persona).await?;
            let known = self.known();
            let mut evidence = launched.trial.evidence.clone();
            if known.goes_on_at_the_end {
                evidence.run = end::without(&evidence.run);
            }
            let judged = |evidence: &Evidence| judge_vector(&scene, vector, known.habits, evidence);
            let Some(twin) = scene.twin().filter(|_| is_compared(vector, &evidence)) else {
                return Ok((launched, judged(&evidence)));
            };
            evidence.twin = known.twins.of(self, &twin).await?;
            let mut judgement = judged(&evidence);
            if judgement.compared.is_some() {
                evidence.twin = known.twins.confirmed(self, &twin).await?;
                judgement = judged(&evidence);
            }
            Ok((launched, judgement))
        }
    }
}

/// Whether a run says anything that its twin's could be compared with.
fn is_compared(vector: &Vector, evidence: &Evidence) -> bool {
    if vector.peer.certificate == Certificate::Genuine {
        evidence.inside.says_something()
    } else {
        evidence.inside.accepts_certificate
    }
}

/// What is known of a client, and what all its runs share.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) stagehand: Stagehand,
    /// How long a persona is to wait for it, where somebody said so.
    pub(crate) patience: Option<Duration>,
    /// Whether what it says at its end tells how it fared.
    pub(crate) tells: bool,
    /// Whether it goes on inside TLS when the peer has closed.
    pub(crate) goes_on_at_the_end: bool,
    /// What it does with an honest peer.
    pub(crate) habits: Habits,
    /// What it says to the twins of vectors.
    pub(crate) twins: Twins,
}

impl Known {
    /// Nothing yet.
    pub(crate) fn nothing(stagehand: Stagehand) -> Self {
        Self {
            stagehand,
            patience: None,
            tells: true,
            goes_on_at_the_end: false,
            habits: Habits::default(),
            twins: Twins::default(),
        }
    }

    /// Learns from a run with an honest peer what the client does, and how long a persona has to
    /// wait for it where it has nothing to answer.
    pub(super) fn learn(&mut self, honest: &Trial) {
        self.habits = Habits::of(&honest.evidence.run);
        let slowest = honest.record.slowest_reaction();
        self.stagehand.lesson = Arc::new(honest.lifted.lesson());
        let learned = (slowest * 4).clamp(PATIENCE.0, PATIENCE.1);
        self.stagehand.patience = self.patience.unwrap_or(learned);
    }

    /// Whether what it said at its end claims success, as far as that can be told.
    pub(crate) const fn claims_success(&self, told: UserReport) -> Option<bool> {
        match told {
            UserReport::Success if self.tells => Some(true),
            UserReport::Success | UserReport::Nothing => None,
            UserReport::Failure => Some(false),
        }
    }
}

/// What a client told its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UserReport {
    /// That it has done what it was asked to do.
    Success,
    /// That it has not.
    Failure,
    /// Nothing that means anything: nobody knows how it ended.
    Nothing,
}

/// A run of the client.
#[derive(Clone, Debug)]
pub(crate) struct Launched {
    pub(crate) trial: Trial,
    /// What it told its user.
    pub(crate) told: UserReport,
    /// How it ended, in words.
    pub(crate) exit: String,
    /// What it wrote, or said.
    pub(crate) output: Vec<u8>,
    /// How long it ran.
    pub(crate) duration: Duration,
    /// Where its files are.
    pub(crate) directory: PathBuf,
    /// What of it was not kept, in sentences.
    pub(crate) cut: Vec<String>,
}

/// Where the client is sent, and whom it is told to trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// To the persona, with its authority.
    Persona,
    /// To the persona, with an authority that signed nothing.
    OtherAuthority,
    /// To a port where nobody listens.
    Deserted,
}
