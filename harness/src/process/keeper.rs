//! What keeps clients: stages, each for one client at a time, and those that have nobody to keep.
//!
//! A stage is one more program to start, for each client. One that has ended all below it is as good
//! as new, and is used again.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use super::control::{Control, Message};
use super::setting::{Setting, VERB};
use super::stage::Next;
use super::{GRACE, ProcessError, leftover, passed_on};

/// The program that runs: what keeps clients, for `upward` itself.
const ITSELF: &str = "/proc/self/exe";

/// The `upward` program, a small part of which stands between this process and each client. Clones
/// share the stages; they end with the last clone.
#[derive(Clone, Debug)]
pub struct Keeper {
    program: PathBuf,
    idle: Arc<Mutex<Vec<Stage>>>,
}

/// A stage.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) child: Child,
    pub(super) control: Control,
}

impl Keeper {
    /// The program that runs: right for `upward` itself.
    pub fn itself() -> Self {
        Self::new(ITSELF)
    }

    /// This program, which must be `upward`.
    pub fn new(program: impl AsRef<Path>) -> Self {
        // It is started elsewhere than here.
        let program = std::path::absolute(&program).unwrap_or_else(|_| program.as_ref().to_owned());
        Self { program, idle: Arc::default() }
    }

    /// Gives a client, its order and its ends, to a stage: to one that is idle, else to a new one.
    pub(super) fn keep(&self, order: &OwnedFd, ends: &[OwnedFd; 3]) -> Result<Stage, ProcessError> {
        while let Some(stage) = self.idle() {
            // One that somebody has killed in between is left.
            if stage.control.order(order, ends).is_ok() {
                stage.wake();
                return Ok(stage);
            }
        }
        let stage = self.stage(&Setting::Plain, Path::new("/"))?;
        stage.control.order(order, ends).map_err(|error| self.failed(error))?;
        Ok(stage)
    }

    fn idle(&self) -> Option<Stage> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Starts a stage in a folder.
    pub(super) fn stage(&self, setting: &Setting, folder: &Path) -> Result<Stage, ProcessError> {
        let (control, theirs) = Control::pair().map_err(|error| self.failed(error))?;
        let setting = serde_json::to_string(setting).map_err(|error| self.failed(error.into()))?;
        let child = Command::new(&self.program)
            .arg0("upward")
            .args([VERB, &setting])
            .env_clear()
            .envs(passed_on())
            .current_dir(folder)
            .stdin(theirs)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| self.failed(error))?;
        leftover::keeps(&child);
        Ok(Stage { child, control })
    }

    /// Takes back a stage that has nobody below it.
    pub(super) fn rest(&self, stage: Stage) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(stage);
    }

    fn failed(&self, error: std::io::Error) -> ProcessError {
        ProcessError::Start(self.program.to_string_lossy().into_owned(), error)
    }
}

impl Stage {
    /// Its process.
    pub(super) fn pid(&self) -> Option<Pid> {
        self.child.id().and_then(leftover::pid)
    }

    /// Ends the client and all below the stage; what it does then. For a stage that does not, this
    /// takes for ever.
    pub(super) async fn clear(&mut self) -> Next {
        self.control.end();
        self.wake();
        loop {
            match self.control.next().await {
                Ok(Some(Message::Cleared)) => return Next::Order,
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => {
                    let _ = self.child.wait().await;
                    return Next::End;
                }
            }
        }
    }

    /// Tells the stage that there will be nothing more, and waits until it is gone, at most for a
    /// while; whether it is.
    pub(super) fn dismiss(&self) -> bool {
        self.control.close();
        self.wake();
        self.control.wait_for_end(GRACE)
    }

    /// A client may have stopped it.
    fn wake(&self) {
        if let Some(pid) = self.pid() {
            let _ = kill_process(pid, Signal::CONT);
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // Whoever drops this may be on the way out: when it returns, the process is gone.
        self.dismiss();
    }
}
