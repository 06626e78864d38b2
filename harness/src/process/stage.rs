//! The stage of a run: the process between this program and the client, in which nothing is lost.
//!
//! A small part of the same program. It makes itself the subreaper of all below it, starts the
//! client, waits for its end, tells how it ended, and ends all that is left; it does the same when the
//! one who started it is gone, however that came about. Then it has nobody below it, and may be given
//! another client. For a run in isolation there are two, which keep no other: one makes the namespaces
//! and waits outside; the other is the first process inside, with which the kernel ends all others
//! there.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread::JoinHandle;

use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, WaitStatus};
use rustix::process::{pidfd_open, pidfd_send_signal, set_child_subreaper, wait};

use super::control::{ASK, END, Message, hear, tell};
use super::isolation::{self, Failed, Isolation, Peer};
use super::order::{Order, Received};
use super::setting::{Setting, VERB};
use super::{terminal, tree};

/// Runs a stage, where the command line asks for one.
pub(crate) fn main() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != VERB {
        return None;
    }
    let setting = arguments.next()?;
    let setting = serde_json::from_slice(setting.as_encoded_bytes()).ok()?;
    let argv: Vec<_> = arguments.collect();
    // Nobody would read what went wrong here: the stage is then gone, and that is noticed.
    Some(match run(&setting, &argv) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    })
}

fn run(setting: &Setting, argv: &[OsString]) -> io::Result<()> {
    if *setting == Setting::Terminal {
        return terminal::become_client(argv);
    }
    // Standard input is the client's from now on; this is closed when a program is started.
    let control = io::stdin().as_fd().try_clone_to_owned()?;
    match setting {
        Setting::Plain => {
            set_child_subreaper(Some(rustix::process::getpid()))?;
            while keep(&control, Place::Outside)? == Next::Order {}
            Ok(())
        }
        Setting::Isolated(isolation, peer) => isolated(&control, isolation, *peer),
        Setting::Inside => {
            isolation::begin()?;
            keep(&control, Place::Inside).map(drop)
        }
        Setting::Terminal => Ok(()),
    }
}

/// Makes namespaces, starts the stage inside, and stays until it has ended: then all inside have.
fn isolated(control: &OwnedFd, isolation: &Isolation, peer: Peer) -> io::Result<()> {
    let entered = isolation::enter(control, isolation, peer).and_then(|()| {
        let failed = |error| Failed { step: "start its first process".to_owned(), error };
        let setting = serde_json::to_string(&Setting::Inside).map_err(|e| failed(e.into()))?;
        Command::new("/proc/self/exe")
            .arg0("upward")
            .args([VERB, &setting])
            // What is said from now on is for that one.
            .stdin(Stdio::from(control.try_clone().map_err(failed)?))
            .spawn()
            .map_err(failed)
    });
    match entered {
        Ok(mut inside) => inside.wait().map(drop),
        Err(Failed { step, error }) => {
            let errno = error.raw_os_error().unwrap_or_default();
            tell(control, &Message::NotIsolated { step, errno }, &[])
        }
    }
}

/// Where a client is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Among the other processes of the machine.
    Outside,
    /// In namespaces that end with this process.
    Inside,
}

/// What a stage does when nobody is left below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// It waits for another order.
    Order,
    /// It ends.
    End,
}

/// Waits for an order, starts the client, and keeps it and all below it to the end.
fn keep(control: &OwnedFd, place: Place) -> io::Result<Next> {
    let Some(received) = Order::hear(control)? else { return Ok(Next::End) };
    let child = match spawn(received) {
        Ok(child) => child,
        Err(error) => {
            let errno = error.raw_os_error().unwrap_or_default();
            return tell(control, &Message::NotStarted(errno), &[]).map(|()| Next::End);
        }
    };
    let client = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let Some(client) = client else { return Err(io::ErrorKind::InvalidData.into()) };
    let next = end_with(control.try_clone()?, pidfd_open(client, PidfdFlags::empty())?);
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
    if place == Place::Inside {
        return Ok(Next::End);
    }
    end_all(rustix::process::getpid());
    // What comes next on the stream is for the next run.
    let next = next.join().unwrap_or(Next::End);
    if next == Next::Order {
        tell(control, &Message::Cleared, &[])?;
    }
    Ok(next)
}

/// Starts a client, on pipes or on a terminal, as what it is to read from says.
fn spawn(Received { order, ends: [stdin, stdout, stderr] }: Received) -> io::Result<Child> {
    if stdin.is_terminal() {
        return terminal::spawn(&order, stdin);
    }
    let Some((program, arguments)) = order.argv.split_first() else {
        return Err(io::ErrorKind::NotFound.into());
    };
    // Its own group: what it sends to its group is not for us.
    let [stdin, stdout, stderr] = [stdin, stdout, stderr].map(Stdio::from);
    order
        .command(program)
        .args(arguments)
        .stdin(stdin)
        .stdout(stdout)
        .stderr(stderr)
        .process_group(0)
        .spawn()
}

fn ended(status: WaitStatus) -> Message {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Message::Exited(code),
        (None, Some(signal)) => Message::Signalled(signal),
        (None, None) => Message::Signalled(0),
    }
}

/// Asks the client to end where the other side says so; kills it as soon as that one says that it is
/// to be ended, or anything else, or is gone. Only in the first case will it say more.
fn end_with(control: OwnedFd, client: OwnedFd) -> JoinHandle<Next> {
    std::thread::spawn(move || {
        let mut said = [0];
        let next = loop {
            match hear(&control, &mut said) {
                Ok((1, _)) if said == [ASK] => {
                    let _ = pidfd_send_signal(&client, Signal::TERM);
                }
                Ok((1, _)) if said == [END] => break Next::Order,
                _ => break Next::End,
            }
        };
        let _ = pidfd_send_signal(&client, Signal::KILL);
        next
    })
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
