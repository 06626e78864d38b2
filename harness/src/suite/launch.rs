//! One run of the client: a new folder, new canaries, a persona, the process, and its results.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Semaphore;
use upward_model::policy::Policy;
use upward_model::protocol::Protocol;
use upward_model::vector::Vector;

use crate::canary::Canaries;
use crate::certificate::HOST;
use crate::evidence::End;
use crate::judge::Judgement;
use crate::link::Listening;
use crate::process::isolation::Peer;
use crate::process::{Ended, Exit, Limits};
use crate::profile::Trait;
use crate::scene::Scene;
use crate::subject::{
    Deserted, Destination, Folder, FolderLock, Program, SubjectError, UserReport, write,
};
use crate::suite::announced::is_announced;
use crate::suite::subject::{Known, Launched, Subject};
use crate::suite::{Job, SuiteError};
use crate::template::{self, Values};
use crate::trial::Stagehand;
use crate::wire::Record;

/// How much of a client's output is kept: 256 KiB of each stream.
const OUTPUT: usize = 256 << 10;

/// Starts the client of a job, as often as it is asked to.
#[derive(Clone)]
pub(super) struct Launcher {
    pub(super) job: Arc<Job>,
    known: Known,
    seed: Arc<AtomicU64>,
    /// Whether the client is given data to deliver, and whether it is told which authority to trust.
    carries_body: bool,
    is_told_authority: bool,
    /// Limits how many clients run at once.
    room: Arc<Semaphore>,
    /// The folder of the job, locked against other suites.
    _held: Arc<FolderLock>,
}

impl Launcher {
    pub(super) fn new(job: &Job, stagehand: Stagehand) -> Result<Self, SuiteError> {
        Ok(Self {
            _held: Arc::new(FolderLock::hold(&job.directory)?),
            job: Arc::new(job.clone()),
            carries_body: job.profile.carries_body(),
            is_told_authority: job.profile.is_told_authority(),
            known: Known { patience: job.patience, ..Known::nothing(stagehand) },
            seed: Arc::new(AtomicU64::new(seed())),
            room: Arc::new(Semaphore::new(job.jobs.max(1))),
        })
    }

    /// Runs the client.
    async fn run(
        &self,
        scene: &Scene,
        folder: &str,
        destination: Destination,
    ) -> Result<Launched, SuiteError> {
        let folder = Folder::fresh(&self.job.directory.join(folder.replace('/', "-")))?;
        let directory = folder.path.clone();
        let seed = self.seed.fetch_add(1, Ordering::Relaxed);
        let canaries = Arc::new(Canaries::new(seed.into()));
        let deserted = destination == Destination::Deserted;
        let nobody = Deserted::reserve()?;
        let isolation = self.job.isolation.as_ref();
        let bound = match isolation {
            Some(_) => None,
            None => Some(Listening::bind().await.map_err(SubjectError::Listen)?),
        };
        let port = match (isolation, &bound) {
            (Some(isolation), _) => isolation.port,
            (None, Some(bound)) if !deserted => bound.port,
            (None, _) => nobody.port,
        };
        let values = self.values(destination, &directory, port, &canaries)?;
        let limits = Limits { deadline: self.job.deadline, output: OUTPUT };
        let program = Program {
            profile: &self.job.profile,
            values: &values,
            limits,
            keeper: &self.job.keeper,
            isolation,
        };
        program.lay_out()?;
        let peer = if deserted { Peer::Absent } else { Peer::There };
        let room = self.room.acquire().await;
        let mut running = program.start(peer).await?;
        let listening = match bound {
            Some(bound) => bound,
            // An isolated client's sockets were created in its namespace.
            None => Listening::given(running.take_listeners()).map_err(SubjectError::Listen)?,
        };
        let running = async {
            let ended = running.wait().await?;
            let report = program.says(&ended).await?;
            drop(room);
            Ok::<_, SuiteError>((self.end(&ended, report), (ended, report)))
        };
        let carried = vec![canaries; scene.sessions.len()];
        let stagehand = &self.known.stagehand;
        let (trial, (ended, told)) = stagehand.play(scene, &carried, listening, running).await?;
        drop(nobody);
        let cut = kept(&folder, &trial.record, &ended);
        Ok(Launched {
            trial,
            told,
            exit: ended.exit.to_string(),
            output: [ended.stderr.bytes, ended.stdout.bytes].concat(),
            duration: ended.duration,
            directory,
            cut,
        })
    }

    /// The values that the client of a run is given; writes its authority to its folder.
    fn values(
        &self,
        destination: Destination,
        directory: &Path,
        port: u16,
        canaries: &Canaries,
    ) -> Result<Values, SuiteError> {
        let certificates = &self.known.stagehand.certificates;
        let authority = match destination {
            Destination::OtherAuthority => &certificates.other_ca,
            Destination::Persona | Destination::Deserted => &certificates.ca,
        };
        let ca = directory.join("ca.pem");
        write(&ca, authority.as_bytes())?;
        Ok(Values {
            host: HOST.to_owned(),
            ip: "127.0.0.1".to_owned(),
            port,
            ca,
            dir: directory.to_owned(),
            user: canaries.user.clone(),
            password: canaries.password.clone(),
            body: canaries.body.clone(),
            policy: self.job.policy.name().to_owned(),
            clients: template::clients(),
        })
    }

    fn end(&self, ended: &Ended, told: UserReport) -> End {
        let printed = ended.stdout.bytes.clone();
        let is_data = self.job.profile.output_is_data;
        let (output, data) = if is_data { (Vec::new(), printed) } else { (printed, Vec::new()) };
        End {
            claims_success: self.known.claims_success(told),
            crashed: matches!(ended.exit, Exit::Signal(4 | 6 | 7 | 8 | 11)),
            hung: ended.exit == Exit::Deadline,
            carries_body: self.carries_body,
            output,
            errors: ended.stderr.bytes.clone(),
            data,
            printed_more: ended.stdout.dropped > 0 || ended.stderr.dropped > 0,
            last_session_at: None,
        }
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
        destination: Destination,
    ) -> Result<Launched, SuiteError> {
        self.run(scene, folder, destination).await
    }

    fn announces(&self, announced: Trait) -> bool {
        self.job.profile.announces(announced)
    }

    fn is_told_authority(&self) -> bool {
        self.is_told_authority
    }

    fn announced(&self, vector: &Vector, judgement: &Judgement) -> Option<String> {
        let announced = is_announced(&self.job.profile, vector, judgement);
        announced.then(|| self.job.profile.documented.clone())
    }

    fn again(&self, id: &str) -> String {
        self.job.replay(id)
    }
}

/// Writes the recordings of a run to its folder; returns sentences about data that was lost. A damaged
/// folder does not change the run's result.
fn kept(folder: &Folder, record: &Record, ended: &Ended) -> Vec<String> {
    let mut cut: Vec<String> = folder.bound().into_iter().collect();
    let dropped = record.dropped();
    if dropped.is_something() {
        cut.push(dropped.to_string());
    }
    for (name, captured) in [("output", &ended.stdout), ("error", &ended.stderr)] {
        if captured.dropped > 0 {
            let bytes = captured.dropped;
            cut.push(format!("{bytes} bytes of its standard {name} were not kept"));
        }
    }
    let files = [
        ("wire.txt", record.render().into_bytes()),
        ("stdout.txt", ended.stdout.bytes.clone()),
        ("stderr.txt", ended.stderr.bytes.clone()),
    ];
    for (name, bytes) in files {
        if let Err(error) = folder.write(name, &bytes) {
            cut.push(format!("{name} could not be written: {error}"));
        }
    }
    cut
}

/// The first seed of this process's canaries.
pub(crate) fn seed() -> u64 {
    // Runs must differ from earlier runs, and from runs of other processes at the same time.
    let clock = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |now| now.as_nanos());
    u64::try_from(clock % u128::from(u64::MAX)).unwrap_or_default()
        ^ u64::from(std::process::id()) << 40
}
