//! A client under test as a process: started in a group of its own, watched, and gone afterwards.

mod leftover;
mod terminal;

use std::ffi::OsString;
use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use process_wrap::tokio::{ChildWrapper, CommandWrap, KillOnDrop, ProcessGroup};
use rustix::process::Signal;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::process::Command;
use tokio::sync::watch;
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
    /// What its input and output are.
    pub console: Console,
}

/// What the input and output of a process are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Console {
    /// A pipe each.
    #[default]
    Pipes,
    /// One terminal: what it reads is typed there, and everything that it writes is kept as its
    /// standard output.
    Terminal,
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

/// A process has ended without having written what was waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it ended without having written what was waited for")]
pub struct Silent;

/// A process that runs; dropped, it and its group are killed.
pub struct Running {
    child: Box<dyn ChildWrapper>,
    mark: String,
    outputs: [watch::Receiver<Captured>; 2],
    readers: [JoinHandle<()>; 2],
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
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .envs(PASSED_ON.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
        .envs(invocation.environment)
        .env(MARK, &mark)
        .current_dir(&invocation.dir);
    let spawned = match invocation.console {
        Console::Pipes => piped(command),
        Console::Terminal => terminal::spawn(command),
    };
    let Spawned { child, stdin, stdout, stderr } = spawned.map_err(|error| {
        let name = program.to_string_lossy().into_owned();
        match error.kind() {
            std::io::ErrorKind::NotFound => ProcessError::Missing(name),
            std::io::ErrorKind::PermissionDenied => ProcessError::Forbidden(name),
            _ => ProcessError::Start(name, error),
        }
    })?;
    let (keep_out, out) = watch::channel(Captured::default());
    let (keep_err, err) = watch::channel(Captured::default());
    let readers = [
        tokio::spawn(capture(stdout, limits.output, keep_out)),
        tokio::spawn(capture(stderr, limits.output, keep_err)),
    ];
    let outputs = [out, err];
    let feeder = tokio::spawn(async move {
        if let Some(mut stdin) = stdin {
            // A client that does not read is no error of ours.
            let _ = stdin.write_all(&invocation.stdin).await;
        }
    });
    Ok(Running { child, mark, outputs, readers, feeder, began: Instant::now(), limits })
}

/// A process that has been started, and its ends of input and output.
struct Spawned {
    child: Box<dyn ChildWrapper>,
    stdin: Option<Box<dyn AsyncWrite + Send + Unpin>>,
    stdout: Option<Box<dyn AsyncRead + Send + Unpin>>,
    stderr: Option<Box<dyn AsyncRead + Send + Unpin>>,
}

fn piped(mut command: Command) -> std::io::Result<Spawned> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut command = CommandWrap::from(command);
    command.wrap(ProcessGroup::leader()).wrap(KillOnDrop);
    let mut child = command.spawn()?;
    let stdin = child.stdin().take().map(|stdin| Box::new(stdin) as Box<_>);
    let stdout = child.stdout().take().map(|stdout| Box::new(stdout) as Box<_>);
    let stderr = child.stderr().take().map(|stderr| Box::new(stderr) as Box<_>);
    Ok(Spawned { child, stdin, stdout, stderr })
}

/// Reads to the end; keeps no more than it may, and goes on reading, so that nobody is blocked.
async fn capture(
    stream: Option<Box<dyn AsyncRead + Send + Unpin>>,
    limit: usize,
    kept: watch::Sender<Captured>,
) {
    let Some(mut stream) = stream else { return };
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        kept.send_modify(|captured| {
            let room = limit.saturating_sub(captured.bytes.len()).min(length);
            captured.bytes.extend_from_slice(&buffer[..room]);
            captured.dropped += (length - room) as u64;
        });
    }
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
        for reader in &mut self.readers {
            // All who could write are gone, so the pipes are at their end.
            let _ = reader.await;
        }
        let [stdout, stderr] = self.outputs.each_ref().map(|output| output.borrow().clone());
        Ended { exit, stdout, stderr, duration }
    }

    /// Waits until one of its outputs is as asked for.
    ///
    /// # Errors
    ///
    /// [`Silent`] where it has ended, and they are not.
    pub async fn writes(&self, asked_for: impl Fn(&[u8]) -> bool) -> Result<(), Silent> {
        let [mut out, mut err] = self.outputs.clone();
        let asked_for = |captured: &Captured| asked_for(&captured.bytes);
        tokio::select! {
            Ok(_) = out.wait_for(asked_for) => Ok(()),
            Ok(_) = err.wait_for(asked_for) => Ok(()),
            else => Err(Silent),
        }
    }

    /// Asks it to end, and waits for that as [`Self::wait`] does.
    pub async fn stop(self) -> Ended {
        // Who has ended already cannot be asked.
        let _ = self.child.signal(Signal::TERM.as_raw());
        self.wait().await
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
