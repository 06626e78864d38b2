//! A client under test as a process: started by a stage of its own, watched, and killed in the end.

mod capture;
mod control;
pub mod isolation;
mod keeper;
mod leftover;
mod order;
mod setting;
pub(crate) mod stage;
mod terminal;
mod tree;

use std::ffi::OsString;
use std::fmt;
use std::io::PipeReader;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt as _;
use tokio::net::unix::pipe::{Receiver, Sender};
use tokio::task::JoinHandle;

use self::capture::Capture;
pub use self::capture::Captured;
use self::control::Message;
use self::isolation::{Failed, Isolation, Peer};
pub use self::keeper::Keeper;
use self::keeper::Stage;
pub use self::leftover::{adopt, end_adopted};
use self::order::Order;
use self::setting::Setting;
use self::stage::Next;
use self::terminal::Terminal;

/// The variable that marks every process of a run, to find processes that have left the group.
pub const MARK: &str = "UPWARD_RUN";

/// What to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// Program and arguments; not a shell command line.
    pub argv: Vec<OsString>,
    /// Variables in addition to the few that are always passed on.
    pub environment: Vec<(OsString, OsString)>,
    /// Its standard input.
    pub stdin: Vec<u8>,
    /// Its working directory.
    pub dir: PathBuf,
    /// What its input and output are.
    pub console: Console,
    /// How it is isolated, and whether the persona listens there; `None` without isolation.
    pub isolation: Option<(Isolation, Peer)>,
}

/// What the input and output of a process are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Console {
    /// A pipe each.
    #[default]
    Pipes,
    /// One terminal: its input is typed there, and all output is recorded as standard output.
    Terminal,
}

/// Limits of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long it may run.
    pub deadline: Duration,
    /// How many bytes of each output are recorded.
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
    /// It cannot be isolated from the rest of the machine.
    #[error("a client cannot be isolated here: failed to {0}: {1}")]
    Isolation(String, std::io::Error),
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
    /// It killed the stage, and was killed then.
    Lost,
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => write!(f, "killed by signal {signal}"),
            Self::Deadline => f.write_str("killed at the deadline"),
            Self::Lost => f.write_str("killed, since it had killed the process that kept it"),
        }
    }
}

/// The result of a process that has ended.
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

/// The process has ended without writing the expected output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it ended without having written what was waited for")]
pub struct Silent;

/// A running process. When this is dropped, the process and all processes that it started are killed.
pub struct Running {
    keeper: Keeper,
    /// `None` once all processes below it have ended.
    stage: Option<Stage>,
    mark: String,
    outputs: [Capture; 2],
    feeder: JoinHandle<()>,
    began: Instant,
    limits: Limits,
    listeners: Vec<TcpListener>,
}

/// The variables that a program may need to run at all.
fn passed_on() -> impl Iterator<Item = (OsString, OsString)> {
    let names = ["PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH"];
    names.into_iter().filter_map(|name| Some((name.into(), std::env::var_os(name)?)))
}

/// How long a stage may take to end the rest of a run, and outputs may take to close, before this
/// program gives up. This time does not include the client's own.
const GRACE: Duration = Duration::from_secs(10);

/// Starts a client.
///
/// # Errors
///
/// If the program is missing or cannot be executed.
pub async fn start(
    keeper: &Keeper,
    invocation: Invocation,
    limits: Limits,
) -> Result<Running, ProcessError> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let Some(program) = invocation.argv.first() else {
        return Err(ProcessError::Empty);
    };
    let name = program.to_string_lossy().into_owned();
    let failed = |error| ProcessError::Start(name.clone(), error);
    let mark = format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let order = Order {
        argv: invocation.argv,
        environment: passed_on()
            .chain(invocation.environment)
            .chain([(MARK.into(), mark.clone().into())])
            .collect(),
        folder: invocation.isolation.is_none().then(|| invocation.dir.clone().into()),
    };
    let order = order.write().map_err(failed)?;
    let ends = Ends::of(invocation.console).map_err(failed)?;
    let mut listeners = Vec::new();
    let stage = match invocation.isolation {
        Some((isolation, peer)) => {
            let setting = Setting::Isolated(isolation, peer);
            let mut stage = keeper.stage(&setting, &invocation.dir)?;
            listeners = isolate(&mut stage).await?;
            stage.control.order(&order, &ends.theirs).map_err(failed)?;
            stage
        }
        None => keeper.keep(&order, &ends.theirs)?,
    };
    // Close our copies: the outputs end only when all writers have closed them.
    drop(ends.theirs);
    let mut running = Running {
        outputs: ends.outputs.map(|output| Capture::new(output, limits.output)),
        feeder: tokio::spawn(feed_to(ends.feed, invocation.stdin)),
        keeper: keeper.clone(),
        stage: Some(stage),
        mark,
        began: Instant::now(),
        limits,
        listeners,
    };
    match running.next().await.map_err(failed)? {
        Some(Message::Started) => Ok(running),
        Some(Message::NotStarted(errno)) => {
            let error = std::io::Error::from_raw_os_error(errno);
            Err(match error.kind() {
                std::io::ErrorKind::NotFound => ProcessError::Missing(name),
                std::io::ErrorKind::PermissionDenied => ProcessError::Forbidden(name),
                _ => failed(error),
            })
        }
        Some(Message::NotIsolated { step, errno }) => {
            Err(ProcessError::Isolation(step, std::io::Error::from_raw_os_error(errno)))
        }
        _ => Err(failed(std::io::ErrorKind::UnexpectedEof.into())),
    }
}

/// Both sides of the client's input and outputs.
struct Ends {
    /// The client's standard input, output and error.
    theirs: [OwnedFd; 3],
    /// The client's input is written here.
    feed: Sender,
    /// The client's outputs are read here: standard output (on a terminal, all output) and standard
    /// error.
    outputs: [Option<Receiver>; 2],
}

impl Ends {
    fn of(console: Console) -> std::io::Result<Self> {
        match console {
            Console::Pipes => {
                let (stdin, feed) = std::io::pipe()?;
                let (out, stdout) = std::io::pipe()?;
                let (err, stderr) = std::io::pipe()?;
                let output = |end: PipeReader| Receiver::from_owned_fd(end.into()).map(Some);
                Ok(Self {
                    theirs: [stdin.into(), stdout.into(), stderr.into()],
                    feed: Sender::from_owned_fd(feed.into())?,
                    outputs: [output(out)?, output(err)?],
                })
            }
            Console::Terminal => {
                let Terminal { output, input, end } = terminal::open()?;
                let theirs = [end.try_clone()?, end.try_clone()?, end];
                Ok(Self { theirs, feed: input, outputs: [Some(output), None] })
            }
        }
    }
}

/// Writes the client's input. It is not an error if the client does not read it.
async fn feed_to(mut pipe: Sender, bytes: Vec<u8>) {
    let _ = pipe.write_all(&bytes).await;
}

/// Does from outside what a stage in new namespaces cannot do itself, and receives its sockets.
async fn isolate(stage: &mut Stage) -> Result<Vec<TcpListener>, ProcessError> {
    let lost =
        || Failed { step: "start".to_owned(), error: std::io::ErrorKind::UnexpectedEof.into() };
    let isolated: Result<(), Failed> = async {
        loop {
            match stage.control.next().await {
                Ok(Some(Message::Unshared)) => {
                    isolation::map(stage.pid().ok_or_else(lost)?)?;
                    stage.control.go_on(&[]).map_err(|_| lost())?;
                }
                Ok(Some(Message::Listening)) => return Ok(()),
                Ok(Some(Message::NotIsolated { step, errno })) => {
                    let error = std::io::Error::from_raw_os_error(errno);
                    return Err(Failed { step, error });
                }
                _ => return Err(lost()),
            }
        }
    }
    .await;
    isolated.map_err(|Failed { step, error }| ProcessError::Isolation(step, error))?;
    Ok(stage.control.descriptors().map(TcpListener::from).collect())
}

impl Running {
    /// The next message of the stage; `None` if it has ended.
    async fn next(&mut self) -> std::io::Result<Option<Message>> {
        match &mut self.stage {
            Some(stage) => stage.control.next().await,
            None => Ok(None),
        }
    }

    /// Takes the listening sockets of an isolated client: the persona's, then the trap's. Empty without
    /// isolation, and on the second call.
    pub fn take_listeners(&mut self) -> Vec<TcpListener> {
        std::mem::take(&mut self.listeners)
    }

    /// Waits for the end, at most until the deadline; then kills all processes of the run.
    pub async fn wait(mut self) -> Ended {
        let told = tokio::time::timeout(self.limits.deadline, self.next()).await;
        let exit = match told {
            Ok(Ok(Some(Message::Exited(code)))) => Exit::Code(code),
            Ok(Ok(Some(Message::Signalled(signal)))) => Exit::Signal(signal),
            Ok(_) => Exit::Lost,
            Err(_) => Exit::Deadline,
        };
        let duration = self.began.elapsed();
        self.feeder.abort();
        let cleared = match &mut self.stage {
            Some(stage) => tokio::time::timeout(GRACE, stage.clear()).await.ok(),
            None => None,
        };
        match cleared {
            Some(next) if exit != Exit::Lost => {
                if let Some(stage) = self.stage.take().filter(|_| next == Next::Order) {
                    self.keeper.rest(stage);
                }
            }
            _ => self.force(),
        }
        let [stdout, stderr] = &mut self.outputs;
        let (stdout, stderr) = (stdout.end().await, stderr.end().await);
        Ended { exit, stdout, stderr, duration }
    }

    /// Waits until one of its outputs satisfies the condition.
    ///
    /// # Errors
    ///
    /// [`Silent`] if it ends before that.
    pub async fn writes(&self, asked_for: impl Fn(&[u8]) -> bool) -> Result<(), Silent> {
        let [mut out, mut err] = self.outputs.each_ref().map(Capture::watch);
        let asked_for = |captured: &Captured| asked_for(&captured.bytes);
        tokio::select! {
            Ok(_) = out.wait_for(asked_for) => Ok(()),
            Ok(_) = err.wait_for(asked_for) => Ok(()),
            else => Err(Silent),
        }
    }

    /// Asks it to end, and waits like [`Self::wait`].
    pub async fn stop(self) -> Ended {
        // A client that has already ended cannot be asked.
        if let Some(stage) = &self.stage {
            let _ = stage.control.ask();
        }
        self.wait().await
    }

    /// If the stage has ended or does not end the run, kills its processes from here.
    fn force(&mut self) {
        if let Some(mut stage) = self.stage.take() {
            let _ = stage.child.start_kill();
            leftover::kill(&self.mark);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.feeder.abort();
        // The program may be exiting: wait here, so that the processes are gone when this returns.
        if self.stage.as_ref().is_some_and(Stage::dismiss) {
            self.stage = None;
        }
        self.force();
    }
}
