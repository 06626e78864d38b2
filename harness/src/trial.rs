//! One vector against one client: its server, its recording, and its evidence.

use std::sync::Arc;
use std::time::Duration;

use upward_model::client::Client;
use upward_model::explain::Habits;
use upward_model::flaw::Flaw;
use upward_model::message::{Piece, Reply};
use upward_model::policy::Policy;
use upward_model::vector::{Deviation, Do, Meaning, Point, Vector};

use crate::canary::Canaries;
use crate::certificate::Certificates;
use crate::codec::{Codec, Lesson};
use crate::evidence::{End, Evidence, Lifted, gather};
use crate::judge::{Judgement, Question, judge};
use crate::link::{Listening, VerifyError};
use crate::peer::{Host, Peer, Persona};
use crate::reference::{self, Errand, Finished};
use crate::scene::Scene;
use crate::wire::Record;

/// Settings shared by all trials of a run.
#[derive(Clone)]
pub struct Stagehand {
    /// The codec of the protocol.
    pub codec: Arc<dyn Codec>,
    /// The certificates.
    pub certificates: Arc<Certificates>,
    /// How long the persona waits for a client that has nothing to answer.
    pub patience: Duration,
    /// What an honest run has shown about the client, if there was one.
    pub lesson: Arc<Lesson>,
    /// How built-in clients reach the persona.
    pub transport: Transport,
}

/// How built-in clients reach a persona.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP on the loopback interface, and rustls.
    Loopback,
    /// Pipes in memory, and a box in place of TLS; for a runtime with a paused clock.
    Simulated,
}

impl Stagehand {
    /// Settings for a client about which nothing is known yet.
    pub fn new(codec: Arc<dyn Codec>, certificates: Arc<Certificates>, patience: Duration) -> Self {
        let transport = Transport::Loopback;
        Self { codec, certificates, patience, lesson: Arc::default(), transport }
    }

    /// The same in a simulation.
    #[must_use]
    pub fn simulated(self) -> Self {
        Self { transport: Transport::Simulated, ..self }
    }

    /// Plays a scene to a client, which has these canaries in its sessions, until it has ended. Returns
    /// the recorded trial, and the client's result. All runs use this: those of a program, a function,
    /// the built-in client, and a client started by hand.
    ///
    /// # Errors
    ///
    /// If the client could not be run.
    pub(crate) async fn play<T, E>(
        &self,
        scene: &Scene,
        carried: &[Arc<Canaries>],
        listening: Listening,
        client: impl Future<Output = Result<(End, T), E>>,
    ) -> Result<(Trial, T), E> {
        let record = Record::default();
        let own = carried.last().cloned().unwrap_or_else(|| Arc::new(Canaries::new(0)));
        let host = Host { persona: self.persona(scene, &own), listening };
        let (lifted, ended) = beside(host, &record, client).await;
        let (end, left) = ended?;
        let evidence = gather(scene, &*self.codec, &record, &lifted, carried, &end);
        Ok((Trial { record, lifted, evidence }, left))
    }

    /// The persona of a scene, for a client with these canaries.
    pub fn persona(&self, scene: &Scene, canaries: &Arc<Canaries>) -> Persona {
        Persona {
            protocol: scene.protocol,
            codec: Arc::clone(&self.codec),
            certificates: Arc::clone(&self.certificates),
            canaries: Arc::clone(canaries),
            peer: Arc::new(scene.peer.clone()),
            implicit: scene.policy() == Policy::Implicit,
            two_sessions: scene.sessions.len() > 1,
            patience: scene.patience.unwrap_or(self.patience),
            lesson: Arc::clone(&self.lesson),
        }
    }
}

/// The recording of a trial.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The bytes.
    pub record: Record,
    /// The run in the model's alphabet.
    pub lifted: Lifted,
    /// The evidence for the judge.
    pub evidence: Evidence,
}

/// Why a trial could not be run.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// No free port.
    #[error("failed to listen on the loopback interface: {0}")]
    Listen(#[from] std::io::Error),
    /// The built-in client could not be set up.
    #[error("failed to set up the built-in client: {0}")]
    Reference(#[from] VerifyError),
}

/// Plays a scene against the built-in client.
///
/// # Errors
///
/// If no port is free, or the certificates cannot be used.
pub async fn against_reference<C: Client + Sync>(
    stagehand: &Stagehand,
    scene: &Scene,
    client: &C,
    seed: u128,
) -> Result<(Trial, Finished), TrialError> {
    // Secrets belong to a session: only those of the last session are searched for.
    let canaries = Arc::new(Canaries::new(seed));
    let carried: Vec<Arc<Canaries>> = (1..scene.sessions.len())
        .map(|earlier| Arc::new(Canaries::new(seed.wrapping_add((earlier as u128) << 64))))
        .chain([Arc::clone(&canaries)])
        .collect();
    let listening = match stagehand.transport {
        Transport::Loopback => Listening::bind().await?,
        Transport::Simulated => Listening::simulated(),
    };
    let errand = Errand {
        address: listening.address(),
        ca: stagehand.certificates.ca.clone(),
        canaries: carried.clone(),
        // Longer than the persona's patience, so that the persona closes first.
        deadline: stagehand.patience * 3,
    };
    let carries_body = stagehand.codec.carries_body();
    let client = async {
        let finished = reference::run(client, &*stagehand.codec, errand).await?;
        let end = End {
            claims_success: Some(finished.claims_success()),
            hung: finished.hung,
            carries_body,
            output: finished.shown.clone().into_bytes(),
            data: finished.handed_over.clone().into_bytes(),
            last_session_at: Some(finished.last_session_at),
            ..End::default()
        };
        Ok((end, finished))
    };
    stagehand.play(scene, &carried, listening, client).await
}

/// Plays a peer while the program under test runs; returns the lifted run, and the program's result.
async fn beside<T>(
    peer: impl Peer,
    record: &Record,
    program: impl Future<Output = T>,
) -> (Lifted, T) {
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let playing = peer.play(record.clone(), async {
        let _ = ended.await;
    });
    let running = async {
        let left = program.await;
        let _ = end.send(());
        left
    };
    tokio::join!(playing, running)
}

/// Judges a trial of a vector, given what is known about the client.
pub fn judge_vector(
    scene: &Scene,
    vector: &Vector,
    habits: Habits,
    evidence: &Evidence,
) -> Judgement {
    let likely: Vec<Flaw> = vector.kills.iter().filter_map(|name| Flaw::by_name(name)).collect();
    let question = Question {
        protocol: scene.protocol,
        sessions: &scene.sessions,
        reached: Some(vector.reached),
        likely: &likely,
        habits,
        certificate: Some(vector.peer.certificate),
        reworded: vector.peer.deviations.iter().any(is_acceptance),
    };
    judge(&question, evidence)
}

/// Whether the attacker replaces the positive answer to the upgrade request by one in other words.
fn is_acceptance(deviation: &Deviation) -> bool {
    deviation.at == Point::Upgrade
        && deviation.action == Do::Replace
        && matches!(&deviation.meaning[..], [Meaning(Piece::Whole(Reply::Accept))])
}

/// Judges a trial with an honest peer.
pub fn judge_honest(scene: &Scene, evidence: &Evidence) -> Judgement {
    let question = Question {
        protocol: scene.protocol,
        sessions: &scene.sessions,
        reached: None,
        likely: &[],
        habits: Habits::default(),
        certificate: None,
        reworded: false,
    };
    judge(&question, evidence)
}
