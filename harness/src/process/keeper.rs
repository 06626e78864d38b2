//! Starts stages, and keeps the idle ones for reuse.
//!
//! A stage is one more process to start for each client. A stage that has ended all processes below it
//! is as good as new, and is used again.

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

/// The running program's own executable: starts stages for `upward` itself.
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
    /// Uses the running program, which must be `upward` itself.
    pub fn itself() -> Self {
        Self::new(ITSELF)
    }

    /// Uses this program, which must be `upward`.
    pub fn new(program: impl AsRef<Path>) -> Self {
        // The stage is started in another folder.
        let program = std::path::absolute(&program).unwrap_or_else(|_| program.as_ref().to_owned());
        Self { program, idle: Arc::default() }
    }

    /// Sends a client, as an order and its ends, to an idle stage, or else to a new one.
    pub(super) fn keep(&self, order: &OwnedFd, ends: &[OwnedFd; 3]) -> Result<Stage, ProcessError> {
        while let Some(stage) = self.idle() {
            // A stage that was killed while idle fails here, and is dropped.
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

    /// Takes back a stage that has no processes below it.
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

    /// Ends the client and all processes below the stage; returns what the stage does next. Does not
    /// return if the stage does not react.
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

    /// Tells the stage to end, and waits at most [`GRACE`] until it has; returns whether it has ended.
    pub(super) fn dismiss(&self) -> bool {
        self.control.close();
        self.wake();
        self.control.wait_for_end(GRACE)
    }

    /// Sends SIGCONT: a client may have stopped the stage.
    fn wake(&self) {
        if let Some(pid) = self.pid() {
            let _ = kill_process(pid, Signal::CONT);
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // The program may be exiting: wait here, so that the process is gone when this returns.
        self.dismiss();
    }
}
