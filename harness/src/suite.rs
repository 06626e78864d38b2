//! Vectors against a program: controls first and last, repetition of what fails, results.

mod announced;
mod blind;
pub(crate) mod controls;
mod end;
pub(crate) mod launch;
pub(crate) mod repeat;
pub(crate) mod subject;
pub(crate) mod twin;
mod twins;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use upward_model::policy::Policy;
use upward_model::protocol::Protocol;
use upward_model::vector::Vector;

use crate::catalogue;
use crate::certificate::{CertificateError, Certificates};
use crate::process::Keeper;
use crate::process::isolation::Isolation;
use crate::profile::Profile;
use crate::results::{Controls, Report, Row};
use crate::subject::SubjectError;
use crate::trial::Stagehand;

use self::launch::Launcher;
use self::subject::Subject as _;

/// What a suite runs.
#[derive(Clone, Debug)]
pub struct Job {
    /// The protocol.
    pub protocol: &'static Protocol,
    /// What the user asked for.
    pub policy: Policy,
    /// The vectors, in order.
    pub vectors: Vec<Vector>,
    /// The client.
    pub profile: Profile,
    /// How many clients run at once.
    pub jobs: usize,
    /// How long a client may run.
    pub deadline: Duration,
    /// How long a persona waits for a client with nothing to answer. `None`: four times the client's
    /// slowest reaction, from 0.3 to 5 seconds.
    pub patience: Option<Duration>,
    /// The folder for the files of its runs.
    pub directory: PathBuf,
    /// Starts the client's processes.
    pub keeper: Keeper,
    /// How each run of the client is isolated; `None` without isolation.
    pub isolation: Option<Isolation>,
    /// The command that runs one vector again; `{id}` stands for the vector.
    pub again: String,
}

/// Why a suite could not be run at all.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// The protocol has no codec.
    #[error("protocol `{0}` has a model but no codec yet: it can be proved, not run")]
    NoCodec(String),
    /// No certificates could be made.
    #[error("{0}")]
    Certificates(#[from] CertificateError),
    /// The client could not be run.
    #[error("{0}")]
    Subject(#[from] SubjectError),
    /// It was stopped before the first vector.
    #[error("interrupted before the first vector: nothing to report")]
    Stopped,
}

/// The shortest and the longest time that a persona waits for a client with nothing to answer.
pub(crate) const PATIENCE: (Duration, Duration) =
    (Duration::from_millis(300), Duration::from_secs(5));

/// Runs a suite; calls `progress` for each finished vector. When `stop` becomes true, running clients
/// are ended, and the report covers the vectors finished so far.
///
/// # Errors
///
/// If nothing can be run at all. A client's failure is not an error.
pub async fn run(
    job: &Job,
    progress: &(dyn Fn(&Row) + Sync),
    stop: &watch::Receiver<bool>,
) -> Result<Report, SuiteError> {
    job.profile.check().map_err(SubjectError::from)?;
    let name = job.protocol.name;
    let entry = catalogue::by_name(name).ok_or_else(|| SuiteError::NoCodec(name.to_owned()))?;
    let stagehand = Stagehand::new(entry.codec(), Arc::new(Certificates::new()?), PATIENCE.1);
    let mut launcher = Launcher::new(job, stagehand)?;
    let controls = tokio::select! {
        controls = Controls::run(&mut launcher) => controls?,
        () = stopped(stop) => return Err(SuiteError::Stopped),
    };
    let mut report = Report {
        client: job.profile.name.clone(),
        version: None,
        protocol: job.protocol.name.to_owned(),
        policy: job.policy.name().to_owned(),
        announced: job.profile.announced.clone(),
        controls: controls.clone(),
        last: Ok(()),
        interrupted: false,
        rows: Vec::new(),
    };
    if controls.honest.is_err() {
        return Ok(report);
    }
    let (rows, broken_off) = play(job, &launcher, &controls, progress, stop).await;
    report.rows = rows;
    if let Some(error) = broken_off {
        // Keep the results so far if an error, such as a full disk, prevents the rest.
        if report.rows.is_empty() {
            return Err(error);
        }
        report.last_control(false, &format!("broken off: {error}"));
        return Ok(report);
    }
    tokio::select! {
        last = launcher.honest("control-last") => match last {
            Ok((last, judgement)) => {
                report.last_control(last.trial.evidence.delivered, &judgement.reason);
            }
            Err(error) => report.last_control(false, &error.to_string()),
        },
        () = stopped(stop) => {
            report.interrupted = true;
            report.last_control(false, "interrupted: it was not run");
        }
    }
    Ok(report)
}

/// Waits until the suite is stopped; never returns if the sender of `stop` is gone.
async fn stopped(stop: &watch::Receiver<bool>) {
    if stop.clone().wait_for(|stopped| *stopped).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Plays all vectors, several at once, until all are done, the suite is stopped, or a vector cannot be
/// run. The rows are in the order of the vectors.
async fn play(
    job: &Job,
    launcher: &Launcher,
    controls: &Controls,
    progress: &(dyn Fn(&Row) + Sync),
    stop: &watch::Receiver<bool>,
) -> (Vec<Row>, Option<SuiteError>) {
    // One task more than there are clients: it prepares or judges a run meanwhile.
    let room = Arc::new(Semaphore::new(job.jobs.max(1) + 1));
    let mut tasks = JoinSet::new();
    for (index, vector) in job.vectors.iter().enumerate() {
        let (launcher, controls) = (launcher.clone(), controls.clone());
        let (vector, room) = (vector.clone(), Arc::clone(&room));
        tasks.spawn(async move {
            let _room = room.acquire_owned().await;
            let row = repeat::until_sure(&launcher, &controls, &vector).await;
            (index, row)
        });
    }
    let mut rows: Vec<Option<Row>> = vec![None; job.vectors.len()];
    let mut broken_off = None;
    loop {
        let done = tokio::select! {
            done = tasks.join_next() => done,
            // Dropping the tasks ends their clients.
            () = stopped(stop) => None,
        };
        let Some(done) = done else { break };
        let Ok((index, row)) = done else { continue };
        match row {
            Ok(row) => {
                progress(&row);
                rows[index] = Some(row);
            }
            Err(error) => {
                broken_off = Some(error);
                break;
            }
        }
    }
    (rows.into_iter().flatten().collect(), broken_off)
}
