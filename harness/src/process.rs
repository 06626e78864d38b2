//! A client under test as a process: started on a stage of its own, watched, and gone afterwards.

mod capture;
mod control;
pub mod isolation;
mod leftover;
pub(crate) mod stage;
mod terminal;
mod tree;

use std::ffi::OsString;
use std::fmt;
use std::net::TcpListener;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process};
use tokio::io::AsyncWriteExt as _;
use tokio::net::unix::pipe::{Receiver, Sender};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use self::capture::Capture;
pub use self::capture::Captured;
use self::control::{Control, Message};
use self::isolation::{Failed, Isolation, Peer};
pub use self::leftover::{adopt, end_adopted};
use self::stage::Setting;
use self::terminal::Terminal;

/// The program that runs, as an [`Invocation::keeper`]: right for `upward` itself.
pub const ITSELF: &str = "/proc/self/exe";

/// The variable that marks every process of a run, so that those that left the group are found.
pub const MARK: &str = "UPWARD_RUN";

/// What to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// The `upward` program: a small part of it stands between this process and the client.
    pub keeper: PathBuf,
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
    /// Whether it runs in isolation, and who listens there.
    pub isolation: Option<(Isolation, Peer)>,
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
    /// It killed the process that kept it, and was killed then.
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

/// A process has ended without having written what was waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it ended without having written what was waited for")]
pub struct Silent;

/// A process that runs; dropped, it and all that it started are killed.
pub struct Running {
    keeper: Child,
    control: Control,
    mark: String,
    outputs: [Capture; 2],
    feeder: JoinHandle<()>,
    began: Instant,
    limits: Limits,
    listeners: Vec<TcpListener>,
    /// Whether the stage is gone, and with it all that was below it.
    gone: bool,
}

/// Variables that a program may need to run at all.
const PASSED_ON: [&str; 5] = ["PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH"];

/// How long a stage may take to end what is left of a run, and outputs to come to their end, before
/// they are given up: neither waits for the client.
const GRACE: Duration = Duration::from_secs(10);

/// Starts a client.
///
/// # Errors
///
/// Where the program is missing or may not be run.
pub async fn start(invocation: Invocation, limits: Limits) -> Result<Running, ProcessError> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let Some(program) = invocation.argv.first() else {
        return Err(ProcessError::Empty);
    };
    let name = program.to_string_lossy().into_owned();
    let failed = |error| ProcessError::Start(name.clone(), error);
    let mark = format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let (control, theirs) = Control::pair().map_err(failed)?;
    let ends = Ends::of(invocation.console).map_err(failed)?;
    let output = || if ends.output.is_some() { Stdio::null() } else { Stdio::piped() };
    let isolated = invocation.isolation.is_some();
    let setting = match invocation.isolation {
        Some((isolation, peer)) => Setting::Isolated(isolation, peer),
        None => Setting::Plain,
    };
    let setting = serde_json::to_string(&setting).map_err(|e| failed(e.into()))?;
    let mut keeper = Command::new(&invocation.keeper)
        .arg0("upward")
        .arg(stage::VERB)
        .arg(setting)
        .args(&invocation.argv)
        .env_clear()
        .envs(PASSED_ON.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
        .envs(invocation.environment)
        .env(MARK, &mark)
        .current_dir(&invocation.dir)
        .stdin(theirs)
        .stdout(output())
        .stderr(output())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| {
            ProcessError::Start(invocation.keeper.to_string_lossy().into_owned(), error)
        })?;
    leftover::keeps(&keeper);
    let stdout = match ends.output {
        Some(terminal) => Capture::new(Some(terminal), limits.output),
        None => Capture::new(keeper.stdout.take(), limits.output),
    };
    let mut running = Running {
        outputs: [stdout, Capture::new(keeper.stderr.take(), limits.output)],
        feeder: tokio::spawn(feed_to(ends.feed, invocation.stdin)),
        keeper,
        control,
        mark,
        began: Instant::now(),
        limits,
        listeners: Vec::new(),
        gone: false,
    };
    if isolated {
        running.isolate().await?;
    }
    running.control.go_on(&[ends.stdin.as_fd()]).map_err(failed)?;
    drop(ends.stdin);
    match running.control.next().await.map_err(failed)? {
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

/// What is handed to the stage, and what is kept of it.
struct Ends {
    /// Where the client reads; on a terminal it writes there, too.
    stdin: OwnedFd,
    /// Where it is written.
    feed: Sender,
    /// What the client writes, on a terminal.
    output: Option<Receiver>,
}

impl Ends {
    fn of(console: Console) -> std::io::Result<Self> {
        match console {
            Console::Pipes => {
                let (stdin, feed) = std::io::pipe()?;
                let feed = Sender::from_owned_fd(feed.into())?;
                Ok(Self { stdin: stdin.into(), feed, output: None })
            }
            Console::Terminal => {
                let Terminal { output, input, end } = terminal::open()?;
                Ok(Self { stdin: end, feed: input, output: Some(output) })
            }
        }
    }
}

/// Writes what a client is to read. One that does not read it is no error of ours.
async fn feed_to(mut pipe: Sender, bytes: Vec<u8>) {
    let _ = pipe.write_all(&bytes).await;
}

impl Running {
    /// Does from outside what a stage in namespaces of its own cannot do, and takes its sockets.
    async fn isolate(&mut self) -> Result<(), ProcessError> {
        let lost =
            || Failed { step: "start".to_owned(), error: std::io::ErrorKind::UnexpectedEof.into() };
        let isolated: Result<(), Failed> = async {
            loop {
                match self.control.next().await {
                    Ok(Some(Message::Unshared)) => {
                        isolation::map(self.keeper.id().and_then(leftover::pid).ok_or_else(lost)?)?;
                        self.control.go_on(&[]).map_err(|_| lost())?;
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
        self.listeners = self.control.descriptors().map(TcpListener::from).collect();
        Ok(())
    }

    /// The sockets that listen where the client is isolated: the persona's, and the trap's as the
    /// last. Empty where it is not, and once they were taken.
    pub fn take_listeners(&mut self) -> Vec<TcpListener> {
        std::mem::take(&mut self.listeners)
    }

    /// Waits for the end, at most until the deadline; then nothing of the run is left.
    pub async fn wait(mut self) -> Ended {
        let told = tokio::time::timeout(self.limits.deadline, self.control.next()).await;
        let exit = match told {
            Ok(Ok(Some(Message::Exited(code)))) => Exit::Code(code),
            Ok(Ok(Some(Message::Signalled(signal)))) => Exit::Signal(signal),
            Ok(_) => Exit::Lost,
            Err(_) => Exit::Deadline,
        };
        let duration = self.began.elapsed();
        self.order_end();
        let gone = async {
            while let Ok(Some(_)) = self.control.next().await {}
            let _ = self.keeper.wait().await;
        };
        self.gone = tokio::time::timeout(GRACE, gone).await.is_ok() && exit != Exit::Lost;
        self.force();
        let [stdout, stderr] = &mut self.outputs;
        let (stdout, stderr) = (stdout.end().await, stderr.end().await);
        Ended { exit, stdout, stderr, duration }
    }

    /// Waits until one of its outputs is as asked for.
    ///
    /// # Errors
    ///
    /// [`Silent`] where it has ended, and they are not.
    pub async fn writes(&self, asked_for: impl Fn(&[u8]) -> bool) -> Result<(), Silent> {
        let [mut out, mut err] = self.outputs.each_ref().map(Capture::watch);
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
        let _ = self.control.ask();
        self.wait().await
    }

    /// Tells the stage to end the run.
    fn order_end(&self) {
        self.feeder.abort();
        self.control.end();
        // The client may have stopped it.
        if let Some(pid) = self.keeper.id().and_then(leftover::pid) {
            let _ = kill_process(pid, Signal::CONT);
        }
    }

    /// Where the stage is gone or does not end the run, does what can be done from here.
    fn force(&mut self) {
        if !self.gone {
            let _ = self.keeper.start_kill();
            leftover::kill(&self.mark);
            self.gone = true;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.gone {
            self.order_end();
            // Whoever drops this may be on the way out: when it returns, the processes are gone.
            self.gone = self.control.wait_for_end(GRACE);
            self.force();
        }
    }
}
