//! The client of a job as processes: its files, its daemon, its program, and how it reports success or
//! failure to its user.

use std::ffi::OsString;
use std::fs;
use std::net::TcpListener;
use std::path::Path;

use super::{SubjectError, UserReport};
use crate::process::isolation::{Isolation, Peer};
use crate::process::{self, Console, Ended, Exit, Invocation, Keeper, Limits, Running};
use crate::profile::{Daemon, Profile};
use crate::template::{self, TemplateError, Values};

/// The client of one run.
#[derive(Clone, Copy)]
pub(crate) struct Program<'a> {
    pub(crate) profile: &'a Profile,
    pub(crate) values: &'a Values,
    pub(crate) limits: Limits,
    /// Starts each of its processes.
    pub(crate) keeper: &'a Keeper,
    pub(crate) isolation: Option<&'a Isolation>,
}

/// A client that runs.
pub(crate) struct Started<'a> {
    program: Program<'a>,
    first: Running,
}

impl<'a> Program<'a> {
    /// Writes its files and drivers into its folder.
    pub(crate) fn lay_out(&self) -> Result<(), SubjectError> {
        for (name, text) in &self.profile.files {
            let path = self.values.dir.join(template::inside(name)?);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)
                    .map_err(|error| SubjectError::Write { path: parent.to_path_buf(), error })?;
            }
            write(&path, template::render(text, self.values)?.as_bytes())?;
            private(&path)?;
        }
        for name in &self.profile.drivers {
            let path = self.values.dir.join(template::inside(name)?);
            let text = self.profile.driver(name);
            write(&path, &text.ok_or_else(|| SubjectError::NoDriver(name.clone()))?)?;
        }
        Ok(())
    }

    /// Starts its daemon if it has one, else its program.
    pub(crate) async fn start(self, peer: Peer) -> Result<Started<'a>, SubjectError> {
        let argv = self.profile.daemon.as_ref().map_or(&self.profile.argv, |daemon| &daemon.argv);
        let stdin = if self.profile.daemon.is_some() { "" } else { &self.profile.stdin };
        Ok(Started { first: self.process(argv, stdin, peer).await?, program: self })
    }

    /// Starts one of its processes. With isolation, each process is isolated by itself.
    async fn process(
        &self,
        argv: &[String],
        stdin: &str,
        peer: Peer,
    ) -> Result<Running, SubjectError> {
        let argv = argv.iter().map(|text| Ok(template::render(text, self.values)?.into()));
        let console = if self.profile.terminal { Console::Terminal } else { Console::Pipes };
        let invocation = Invocation {
            isolation: self.isolation.cloned().map(|isolation| (isolation, peer)),
            argv: argv.collect::<Result<Vec<OsString>, TemplateError>>()?,
            environment: self.profile.surroundings(self.values)?,
            stdin: template::render(stdin, self.values)?.into_bytes(),
            dir: self.values.dir.clone(),
            console,
        };
        Ok(process::start(self.keeper, invocation, self.limits).await?)
    }

    /// What it reported to its user, after it has ended.
    pub(crate) async fn says(&self, ended: &Ended) -> Result<UserReport, SubjectError> {
        if ended.exit == Exit::Lost {
            return Ok(UserReport::Nothing);
        }
        let tells = &self.profile.tells;
        let success = matches!(ended.exit, Exit::Code(code) if tells.success.contains(&code));
        if !success {
            return Ok(UserReport::Failure);
        }
        if tells.command.is_empty() {
            return Ok(UserReport::Success);
        }
        if !self.values.dir.is_dir() {
            // The client has removed its folder: the command that asks for its result cannot run.
            return Ok(UserReport::Failure);
        }
        let asked = self.process(&tells.command, "", Peer::Absent).await?;
        Ok(match asked.wait().await.exit {
            Exit::Code(0) => UserReport::Success,
            Exit::Code(_) | Exit::Signal(_) | Exit::Deadline | Exit::Lost => UserReport::Failure,
        })
    }
}

impl Started<'_> {
    /// The sockets that listen where the client is isolated; see [`Running::take_listeners`].
    pub(crate) fn take_listeners(&mut self) -> Vec<TcpListener> {
        self.first.take_listeners()
    }

    /// Waits for its end, at most until the deadline; then kills all its processes.
    pub(crate) async fn wait(self) -> Result<Ended, SubjectError> {
        match &self.program.profile.daemon {
            Some(daemon) => self.handed_over(daemon).await,
            None => Ok(self.first.wait().await),
        }
    }

    /// Gives the daemon its work, and waits until the daemon reports that it is done. The exit is that
    /// of the program that gave it the work. If that program succeeded but the daemon did not do its
    /// work, the exit is the daemon's.
    async fn handed_over(self, daemon: &Daemon) -> Result<Ended, SubjectError> {
        let Self { program, first } = self;
        let work = async {
            let ready = first.writes(|output| daemon.ready.is_in(output)).await.is_ok();
            if !ready {
                return Ok::<_, SubjectError>(None);
            }
            let handed =
                program.process(&program.profile.argv, &program.profile.stdin, Peer::Absent);
            let handed = handed.await?.wait().await;
            let taken = handed.exit == Exit::Code(0)
                && first.writes(|output| daemon.done.is_in(output)).await.is_ok();
            Ok(Some((handed, taken)))
        };
        let work = tokio::time::timeout(program.limits.deadline, work).await;
        let Ok(work) = work else {
            let ended = first.stop().await;
            return Ok(Ended { exit: Exit::Deadline, ..ended });
        };
        let Some((handed, taken)) = work? else { return Ok(first.wait().await) };
        // The daemon's work is over.
        let mut ended = first.stop().await;
        if taken || handed.exit != Exit::Code(0) {
            ended.exit = handed.exit;
        }
        for output in [handed.stdout, handed.stderr] {
            ended.stderr.bytes.extend(output.bytes);
            ended.stderr.dropped += output.dropped;
        }
        Ok(ended)
    }
}

/// Some clients reject a file with a password that other users can read.
fn private(path: &Path) -> Result<(), SubjectError> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
        .map_err(|error| SubjectError::Write { path: path.to_path_buf(), error })
}

/// Writes a file that a client is given.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), SubjectError> {
    fs::write(path, bytes).map_err(|error| SubjectError::Write { path: path.to_path_buf(), error })
}
