//! The stage of a run: the process between this program and the client, which keeps track of all
//! processes of the run.
//!
//! It is a small part of the same program. It makes itself the subreaper of all processes below it,
//! starts the client, waits for its end, reports how it ended, and kills all processes that are left.
//! It also does this when the parent dies. Afterwards it has no children and can be reused for the next
//! client. An isolated run uses two of these processes, and they are not reused: one creates the
//! namespaces and waits outside; the other is the first process inside, and when it ends, the kernel
//! kills all others there.

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

/// Runs a stage if the command line asks for one; else returns `None`.
pub(crate) fn main() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != VERB {
        return None;
    }
    let setting = arguments.next()?;
    let setting = serde_json::from_slice(setting.as_encoded_bytes()).ok()?;
    let argv: Vec<_> = arguments.collect();
    // The error is not printed, since the parent does not read it: it notices that the stage has ended.
    Some(match run(&setting, &argv) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    })
}

fn run(setting: &Setting, argv: &[OsString]) -> io::Result<()> {
    if *setting == Setting::Terminal {
        return terminal::become_client(argv);
    }
    // The client gets its own standard input; the control stream is closed on exec.
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

/// Creates namespaces, starts the stage inside, and waits until it ends: then all processes inside have
/// ended.
fn isolated(control: &OwnedFd, isolation: &Isolation, peer: Peer) -> io::Result<()> {
    let entered = isolation::enter(control, isolation, peer).and_then(|()| {
        let failed = |error| Failed { step: "start its first process".to_owned(), error };
        let setting = serde_json::to_string(&Setting::Inside).map_err(|e| failed(e.into()))?;
        Command::new("/proc/self/exe")
            .arg0("upward")
            .args([VERB, &setting])
            // From now on, control messages are for the stage inside.
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

/// What a stage does when no process is left below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// It waits for another order.
    Order,
    /// It ends.
    End,
}

/// Waits for an order, starts the client, and watches all processes below this one until they have
/// ended.
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
        // Also reap orphans that end before the client.
        if let Some((pid, status)) = wait(WaitOptions::empty())?
            && pid == client
        {
            break status;
        }
    };
    // The parent may have ended: then this message is lost.
    let _ = tell(control, &ended(status), &[]);
    if place == Place::Inside {
        return Ok(Next::End);
    }
    end_all(rustix::process::getpid());
    // The thread must have finished: the bytes that follow on the stream belong to the next run.
    let next = next.join().unwrap_or(Next::End);
    if next == Next::Order {
        tell(control, &Message::Cleared, &[])?;
    }
    Ok(next)
}

/// Starts a client on a terminal if its standard input is one, else on pipes.
fn spawn(Received { order, ends: [stdin, stdout, stderr] }: Received) -> io::Result<Child> {
    if stdin.is_terminal() {
        return terminal::spawn(&order, stdin);
    }
    let Some((program, arguments)) = order.argv.split_first() else {
        return Err(io::ErrorKind::NotFound.into());
    };
    // A process group of its own: signals that it sends to its group do not reach the stage.
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

/// Sends the client SIGTERM on `ASK`. Kills it on `END`, on any other byte, and when the parent closes
/// the stream. Only `END` is followed by another order.
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

/// Kills all processes below this one. Each round lists them again, since a process may have forked.
/// The loop ends when this process has no children.
fn end_all(me: Pid) {
    while !matches!(wait(WaitOptions::NOHANG), Err(rustix::io::Errno::CHILD)) {
        tree::end_children();
        if tree::end(me) > 0 {
            let _ = wait(WaitOptions::empty());
        }
    }
}
