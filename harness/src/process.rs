//! A client under test as a process: started in a group of its own, watched, and gone afterwards.

mod leftover;

use std::ffi::OsString;
use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use process_wrap::tokio::{ChildWrapper, CommandWrap, KillOnDrop, ProcessGroup};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;

/// The variable that marks every process of a run, so that those that left the group are found.
pub const MARK: &str = "UPWARD_RUN";

/// What to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// Program and arguments; never a shell's line.
    pub argv: Vec<OsString>,
    /// Variables beside the few that are passed on.
    pub environment: Vec<(OsString, OsString)>,
    /// What it reads.
    pub stdin: Vec<u8>,
    /// Where it runs.
    pub dir: PathBuf,
}

/// How much it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long it may run.
    pub deadline: Duration,
    /// How many bytes of each of its outputs are kept.
    pub output: usize,
}

/// Why a client could not be started.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The command line is empty.
    #[error("no command to run")]
    Empty,
    /// There is no such program.
    #[error("program `{0}` was not found")]
    Missing(String),
    /// The program may not be run.
    #[error("program `{0}` cannot be executed: permission denied")]
    Forbidden(String),
    /// Something else went wrong.
    #[error("failed to start `{0}`: {1}")]
    Start(String, std::io::Error),
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// It was killed at the deadline.
    Deadline,
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => write!(f, "killed by signal {signal}"),
            Self::Deadline => f.write_str("killed at the deadline"),
        }
    }
}

/// What a process left.
#[derive(Clone, Debug)]
pub struct Ended {
    /// How it ended.
    pub exit: Exit,
    /// What it wrote to its standard output.
    pub stdout: Captured,
    /// What it wrote to its standard error.
    pub stderr: Captured,
    /// How long it ran.
    pub duration: Duration,
}

/// Output, as far as it was kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captured {
    /// What was kept.
    pub bytes: Vec<u8>,
    /// How many bytes were not.
    pub dropped: u64,
}

/// A process that runs; dropped, it and its group are killed.
pub struct Running {
    child: Box<dyn ChildWrapper>,
    mark: String,
    outputs: [JoinHandle<Captured>; 2],
    feeder: JoinHandle<()>,
    began: Instant,
    limits: Limits,
}

/// Variables that a program may need to run at all.
const PASSED_ON: [&str; 5] = ["PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH"];

/// Starts a client.
///
/// # Errors
///
/// Where the program is missing or may not be run.
pub fn start(invocation: Invocation, limits: Limits) -> Result<Running, ProcessError> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let Some((program, arguments)) = invocation.argv.split_first() else {
        return Err(ProcessError::Empty);
    };
    let mark = format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let mut command = CommandWrap::with_new(program, |command| {
        command
            .args(arguments)
            .env_clear()
            .envs(PASSED_ON.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
            .envs(invocation.environment)
            .env(MARK, &mark)
            .current_dir(&invocation.dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
    });
    command.wrap(ProcessGroup::leader()).wrap(KillOnDrop);
    let mut child = command.spawn().map_err(|error| {
        let name = program.to_string_lossy().into_owned();
        match error.kind() {
            std::io::ErrorKind::NotFound => ProcessError::Missing(name),
            std::io::ErrorKind::PermissionDenied => ProcessError::Forbidden(name),
            _ => ProcessError::Start(name, error),
        }
    })?;
    let outputs = [
        tokio::spawn(capture(child.stdout().take(), limits.output)),
        tokio::spawn(capture(child.stderr().take(), limits.output)),
    ];
    let stdin = child.stdin().take();
    let feeder = tokio::spawn(async move {
        if let Some(mut stdin) = stdin {
            // A client that does not read is no error of ours.
            let _ = stdin.write_all(&invocation.stdin).await;
        }
    });
    Ok(Running { child, mark, outputs, feeder, began: Instant::now(), limits })
}

/// Reads to the end; keeps no more than it may, and goes on reading, so that nobody is blocked.
async fn capture(stream: Option<impl AsyncRead + Unpin>, limit: usize) -> Captured {
    let mut captured = Captured::default();
    let Some(mut stream) = stream else { return captured };
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        let room = limit.saturating_sub(captured.bytes.len()).min(length);
        captured.bytes.extend_from_slice(&buffer[..room]);
        captured.dropped += (length - room) as u64;
    }
    captured
}

impl Running {
    /// Waits for the end, at most until the deadline; then nothing of the run is left.
    pub async fn wait(mut self) -> Ended {
        let leader = self.child.inner_mut().wait();
        let exit = match tokio::time::timeout(self.limits.deadline, leader).await {
            Ok(Ok(status)) => match (status.code(), status.signal()) {
                (Some(code), _) => Exit::Code(code),
                (None, signal) => Exit::Signal(signal.unwrap_or_default()),
            },
            Ok(Err(_)) | Err(_) => Exit::Deadline,
        };
        let duration = self.began.elapsed();
        self.end();
        let _ = self.child.wait().await;
        let mut captured = Vec::new();
        for output in &mut self.outputs {
            // All who could write are gone, so the pipes are at their end.
            captured.push(output.await.unwrap_or_default());
        }
        let stderr = captured.pop().unwrap_or_default();
        let stdout = captured.pop().unwrap_or_default();
        Ended { exit, stdout, stderr, duration }
    }

    /// Kills the group, and who has left it.
    fn end(&mut self) {
        let _ = self.child.start_kill();
        leftover::kill(&self.mark);
        self.feeder.abort();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}
