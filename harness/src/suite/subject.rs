//! The client under test: a program that is started, or a function that is called.
//!
//! Controls and repetition use only this trait, so that both kinds are judged alike.

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
use crate::subject::{Destination, UserReport};
use crate::suite::twins::Twins;
use crate::suite::{PATIENCE, SuiteError, end};
use crate::trial::{Stagehand, Trial, judge_honest, judge_vector};

/// The client under test.
pub(crate) trait Subject: Sized {
    /// The protocol that it speaks.
    fn protocol(&self) -> &'static Protocol;

    /// Its user's policy.
    fn policy(&self) -> Policy;

    /// What the controls have shown about it.
    fn known(&self) -> &Known;

    /// The same, mutable.
    fn known_mut(&mut self) -> &mut Known;

    /// Runs it once. `folder` is the run's name, unique among all runs.
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

    /// Whether it is given the authority to trust.
    fn is_told_authority(&self) -> bool;

    /// The words of its authors, if they announce exactly what a judgement says.
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

    /// Runs it against a vector. `patience` is how long the persona waits for it; `None` for the
    /// learned time.
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

/// Whether a run contains anything to compare with its twin.
fn is_compared(vector: &Vector, evidence: &Evidence) -> bool {
    if vector.peer.certificate == Certificate::Genuine {
        evidence.inside.says_something()
    } else {
        evidence.inside.accepts_certificate
    }
}

/// The facts known about a client, and the data that all its runs share.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) stagehand: Stagehand,
    /// How long a persona waits for it, if the user has set it.
    pub(crate) patience: Option<Duration>,
    /// Whether its failure looks different from its success.
    pub(crate) tells: bool,
    /// Whether it sends more inside TLS after the peer has closed.
    pub(crate) goes_on_at_the_end: bool,
    /// Its habits with an honest peer.
    pub(crate) habits: Habits,
    /// What it sends to the twins of vectors.
    pub(crate) twins: Twins,
}

impl Known {
    /// Nothing is known yet.
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

    /// Learns from a run with an honest peer: the client's habits, and how long a persona has to wait
    /// for it when it has nothing to answer.
    pub(super) fn learn(&mut self, honest: &Trial) {
        self.habits = Habits::of(&honest.evidence.run);
        let slowest = honest.record.slowest_reaction();
        self.stagehand.lesson = Arc::new(honest.lifted.lesson());
        let learned = (slowest * 4).clamp(PATIENCE.0, PATIENCE.1);
        self.stagehand.patience = self.patience.unwrap_or(learned);
    }

    /// Whether its report to the user claims success; `None` if that cannot be told.
    pub(crate) const fn claims_success(&self, told: UserReport) -> Option<bool> {
        match told {
            UserReport::Success if self.tells => Some(true),
            UserReport::Success | UserReport::Nothing => None,
            UserReport::Failure => Some(false),
        }
    }
}

/// A run of the client.
#[derive(Clone, Debug)]
pub(crate) struct Launched {
    pub(crate) trial: Trial,
    /// Its report to its user.
    pub(crate) told: UserReport,
    /// How it ended, in words.
    pub(crate) exit: String,
    /// What it wrote, or returned.
    pub(crate) output: Vec<u8>,
    /// How long it ran.
    pub(crate) duration: Duration,
    /// Where its files are.
    pub(crate) directory: PathBuf,
    /// Sentences about data of the run that was not recorded.
    pub(crate) cut: Vec<String>,
}
