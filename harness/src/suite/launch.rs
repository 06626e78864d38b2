//! One run of the client: a fresh directory, fresh canaries, a persona, the process, what it left.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use upward_model::policy::Policy;
use upward_model::protocol::Protocol;
use upward_model::vector::Vector;

use crate::canary::Canaries;
use crate::certificate::HOST;
use crate::judge::Judgement;
use crate::persona::Listening;
use crate::process::{Ended, Exit, Limits};
use crate::profile::Trait;
use crate::suite::client::Client;
use crate::suite::subject::{Known, Launched, Stage, Subject, Told};
use crate::suite::{Job, SuiteError};
use crate::template::{self, Values};
use crate::trial::{End, Scene, Stagehand, Trial, evidence};
use crate::wire::Record;

/// How much of a client's output is kept: 256 KiB of each stream.
const OUTPUT: usize = 256 << 10;

/// Starts the client of a job, as often as it is asked to.
#[derive(Clone)]
pub(super) struct Launcher {
    pub(super) job: Arc<Job>,
    known: Known,
    seed: Arc<AtomicU64>,
}

impl Launcher {
    pub(super) fn new(job: &Job, stagehand: Stagehand) -> Result<Self, SuiteError> {
        fs::create_dir_all(&job.directory)
            .map_err(|error| SuiteError::Write { path: job.directory.clone(), error })?;
        Ok(Self {
            job: Arc::new(job.clone()),
            known: Known::nothing(stagehand),
            seed: Arc::new(AtomicU64::new(seed())),
        })
    }

    /// Runs the client.
    async fn run(&self, scene: &Scene, folder: &str, stage: Stage) -> Result<Launched, SuiteError> {
        let directory = self.fresh_directory(folder)?;
        let seed = self.seed.fetch_add(1, Ordering::Relaxed);
        let canaries = Arc::new(Canaries::new(seed.into()));
        let listening = Listening::bind().await.map_err(SuiteError::Listen)?;
        let deserted = stage == Stage::Deserted;
        let certificates = &self.known.stagehand.certificates;
        let authority = match stage {
            Stage::OtherAuthority => &certificates.other_ca,
            Stage::Set | Stage::Deserted => &certificates.ca,
        };
        let ca = directory.join("ca.pem");
        write(&ca, authority.as_bytes())?;
        let values = Values {
            host: HOST.to_owned(),
            ip: "127.0.0.1".to_owned(),
            port: if deserted { free_port().await? } else { listening.port },
            ca,
            dir: directory.clone(),
            user: canaries.user.clone(),
            password: canaries.password.clone(),
            body: canaries.body.clone(),
            policy: self.job.policy.name().to_owned(),
            clients: template::clients(),
        };
        let limits = Limits { deadline: self.job.deadline, output: OUTPUT };
        let client = Client { profile: &self.job.profile, values: &values, limits };
        client.lay_out()?;
        let record = Record::default();
        let persona = self.known.stagehand.persona(scene, &canaries);
        let running = client.start()?;
        let (told, done) = tokio::sync::oneshot::channel::<()>();
        let serving = listening.serve(persona, record.clone(), async {
            let _ = done.await;
        });
        let waiting = async {
            let ended = running.wait().await;
            let _ = told.send(());
            ended
        };
        let (lifted, ended) = tokio::join!(serving, waiting);
        let ended = ended?;
        let told = client.says(&ended).await?;
        let end = self.end(&ended, told, lifted.run().is_empty());
        let evidence =
            evidence(scene, &record, &lifted, &vec![canaries; scene.sessions.len()], &end);
        write(&directory.join("wire.txt"), record.render().as_bytes())?;
        write(&directory.join("stdout.txt"), &ended.stdout.bytes)?;
        write(&directory.join("stderr.txt"), &ended.stderr.bytes)?;
        Ok(Launched {
            trial: Trial { record, lifted, evidence },
            told,
            exit: ended.exit.to_string(),
            output: [ended.stderr.bytes, ended.stdout.bytes].concat(),
            duration: ended.duration,
            directory,
        })
    }

    fn end(&self, ended: &Ended, told: Told, alone: bool) -> End {
        let output = [&ended.stdout.bytes[..], &ended.stderr.bytes].concat();
        End {
            words: Some(ended.exit.to_string()),
            claims_success: self.known.claims_success(told),
            crashed: matches!(ended.exit, Exit::Signal(4 | 6 | 7 | 8 | 11)),
            // Who never connected was not kept waiting by anybody.
            hung: ended.exit == Exit::Deadline && !alone,
            carries_body: self.job.profile.carries_body(),
            output,
        }
    }

    fn fresh_directory(&self, folder: &str) -> Result<PathBuf, SuiteError> {
        let directory = self.job.directory.join(folder.replace('/', "-"));
        let failed = |error| SuiteError::Write { path: directory.clone(), error };
        if directory.exists() {
            fs::remove_dir_all(&directory).map_err(failed)?;
        }
        fs::create_dir_all(&directory).map_err(failed)?;
        directory.canonicalize().map_err(failed)
    }
}

impl Subject for Launcher {
    fn protocol(&self) -> &'static Protocol {
        self.job.protocol
    }

    fn policy(&self) -> Policy {
        self.job.policy
    }

    fn known(&self) -> &Known {
        &self.known
    }

    fn known_mut(&mut self) -> &mut Known {
        &mut self.known
    }

    async fn launch(
        &self,
        scene: &Scene,
        folder: &str,
        stage: Stage,
    ) -> Result<Launched, SuiteError> {
        self.run(scene, folder, stage).await
    }

    fn announces(&self, announced: Trait) -> bool {
        self.job.profile.announces(announced)
    }

    fn announced(&self, vector: &Vector, judgement: &Judgement) -> Option<String> {
        let announced = self.job.is_announced(vector, judgement);
        announced.then(|| self.job.profile.documented.clone())
    }

    fn again(&self, id: &str) -> String {
        self.job.replay(id)
    }
}

pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), SuiteError> {
    fs::write(path, bytes).map_err(|error| SuiteError::Write { path: path.to_path_buf(), error })
}

/// Where the seeds of this process's canaries begin.
pub(crate) fn seed() -> u64 {
    // A run must not look like the one before it, nor like one that runs beside it.
    let clock = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |now| now.as_nanos());
    u64::try_from(clock % u128::from(u64::MAX)).unwrap_or_default()
        ^ u64::from(std::process::id()) << 40
}

/// A port where nobody listens: one that was free a moment ago.
pub(crate) async fn free_port() -> Result<u16, SuiteError> {
    let listener =
        tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.map_err(SuiteError::Listen)?;
    listener.local_addr().map(|address| address.port()).map_err(SuiteError::Listen)
}
