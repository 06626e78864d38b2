//! The stage of a run: the process between this program and the client, in which nothing is lost.
//!
//! A small part of the same program, started for each run. It makes itself the subreaper of all
//! below it, starts the client, waits for its end, tells how it ended, and ends all that is left; it
//! does the same when the one who started it is gone, however that came about. For a run in
//! isolation there are two: one makes the namespaces and waits outside; the other is the first
//! process inside, with which the kernel ends all others there.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode, Stdio};

use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, WaitStatus};
use rustix::process::{pidfd_open, pidfd_send_signal, set_child_subreaper, wait};
use serde::{Deserialize, Serialize};

use super::control::{Message, hear, tell};
use super::tree;

/// The hidden verb: `upward stage SETTING PROGRAM ARGUMENT...`, with the control stream as standard
/// input.
pub(super) const VERB: &str = "stage";

/// What a stage is told on its command line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Setting {
    /// It keeps a client as it is.
    Plain,
}

/// Runs a stage, where the command line asks for one.
pub(crate) fn main() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != VERB {
        return None;
    }
    let setting = arguments.next()?;
    let setting = serde_json::from_slice(setting.as_encoded_bytes()).ok()?;
    let argv: Vec<_> = arguments.collect();
    let (program, arguments) = argv.split_first()?;
    let mut command = Command::new(program);
    command.args(arguments);
    // Nobody would read what went wrong here: the stage is then gone, and that is noticed.
    Some(match run(&setting, command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    })
}

fn run(setting: &Setting, command: Command) -> io::Result<()> {
    // Standard input is the client's from now on; this is closed when a program is started.
    let control = io::stdin().as_fd().try_clone_to_owned()?;
    match setting {
        Setting::Plain => keep(&control, command, Place::Outside),
    }
}

/// Where a client is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Among the other processes of the machine.
    Outside,
}

/// Starts a client, and keeps it and all below it to the end.
fn keep(control: &OwnedFd, mut command: Command, place: Place) -> io::Result<()> {
    let me = rustix::process::getpid();
    if place == Place::Outside {
        set_child_subreaper(Some(me))?;
    }
    let (_, mut descriptors) = hear(control, &mut [0])?;
    let Some(stdin) = descriptors.pop() else { return Ok(()) };
    // Its own group: what it sends to its group is not for us.
    let child = match command.stdin(Stdio::from(stdin)).process_group(0).spawn() {
        Ok(child) => child,
        Err(error) => {
            let errno = error.raw_os_error().unwrap_or_default();
            return tell(control, &Message::NotStarted(errno), &[]);
        }
    };
    // The command holds the client's standard input.
    drop(command);
    let client = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let Some(client) = client else { return Err(io::ErrorKind::InvalidData.into()) };
    end_with(control.try_clone()?, pidfd_open(client, PidfdFlags::empty())?);
    tell(control, &Message::Started, &[])?;
    let status = loop {
        // Orphans that end before the client are waited for, too.
        if let Some((pid, status)) = wait(WaitOptions::empty())?
            && pid == client
        {
            break status;
        }
    };
    // Nobody may be there to hear it.
    let _ = tell(control, &ended(status), &[]);
    if place == Place::Outside {
        end_all(me);
    }
    Ok(())
}

fn ended(status: WaitStatus) -> Message {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Message::Exited(code),
        (None, Some(signal)) => Message::Signalled(signal),
        (None, None) => Message::Signalled(0),
    }
}

/// Kills the client as soon as the other side says anything, or is gone.
fn end_with(control: OwnedFd, client: OwnedFd) {
    std::thread::spawn(move || {
        let _ = hear(&control, &mut [0]);
        let _ = pidfd_send_signal(&client, Signal::KILL);
    });
}

/// Ends all below this process. Each round looks again, since somebody may have forked; one that has
/// no children any more has nobody below it.
fn end_all(me: Pid) {
    while !matches!(wait(WaitOptions::NOHANG), Err(rustix::io::Errno::CHILD)) {
        tree::end_children();
        if tree::end(me) > 0 {
            let _ = wait(WaitOptions::empty());
        }
    }
}
