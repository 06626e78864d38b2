//! A terminal in place of pipes: some programs want to read from a terminal.
//!
//! This program creates the terminal, and sends one side to the stage. The client leads a session of
//! its own, whose controlling terminal this is. Only the process itself can set that up, so a small
//! part of this program does, and then executes the client.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use rustix::io::{fcntl_dupfd_cloexec, ioctl_fionbio};
use rustix::process::{ioctl_tiocsctty, setsid};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::stdio::dup2_stderr;
use rustix::termios::{Winsize, tcsetwinsize};
use tokio::net::unix::pipe::{Receiver, Sender};

use super::order::Order;
use super::setting::{Setting, VERB};

/// Rows and columns.
const SIZE: Winsize = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };

/// A terminal, seen from the user's side.
pub(super) struct Terminal {
    /// The output of the process is read from here.
    pub(super) output: Receiver,
    /// The input of the process is written here.
    pub(super) input: Sender,
    /// The other side: input and output of a process.
    pub(super) end: OwnedFd,
}

/// Makes a terminal.
pub(super) fn open() -> io::Result<Terminal> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let output = openpt(flags)?;
    grantpt(&output)?;
    unlockpt(&output)?;
    let end = ioctl_tiocgptpeer(&output, flags)?;
    tcsetwinsize(&output, SIZE)?;
    // Both descriptors share this flag.
    ioctl_fionbio(&output, true)?;
    let input = output.try_clone()?;
    // Use it like a pipe. It is a terminal, so skip the check for a pipe.
    Ok(Terminal {
        output: Receiver::from_owned_fd_unchecked(output)?,
        input: Sender::from_owned_fd_unchecked(input)?,
        end,
    })
}

/// In the stage: starts a program on a terminal, by way of [`become_client`].
pub(super) fn spawn(order: &Order, end: OwnedFd) -> io::Result<Child> {
    let setting = serde_json::to_string(&Setting::Terminal)?;
    let (mut failure, theirs) = io::pipe()?;
    let child = order
        .command(OsStr::new("/proc/self/exe"))
        .arg0("upward")
        .args([VERB, &setting])
        .args(&order.argv)
        .stdout(Stdio::from(end.try_clone()?))
        .stdin(Stdio::from(end))
        // Closed on exec. Until then, an error that prevents the start is written there.
        .stderr(Stdio::from(theirs))
        .spawn()?;
    let mut errno = Vec::new();
    failure.read_to_end(&mut errno)?;
    match errno[..].try_into() {
        Ok(errno) => Err(io::Error::from_raw_os_error(i32::from_ne_bytes(errno))),
        Err(_) => Ok(child),
    }
}

/// Executes a client on a terminal; returns only if that fails.
pub(super) fn become_client(argv: &[OsString]) -> io::Result<()> {
    // A copy that is closed on exec.
    let failure = fcntl_dupfd_cloexec(io::stderr(), 3)?;
    let error = match session(argv) {
        Ok(error) | Err(error) => error,
    };
    let errno = error.raw_os_error().unwrap_or_default();
    std::fs::File::from(failure).write_all(&errno.to_ne_bytes())
}

/// Starts a session on the terminal that is standard input, and executes the program; returns the
/// error.
fn session(argv: &[OsString]) -> io::Result<io::Error> {
    let Some((program, arguments)) = argv.split_first() else {
        return Err(io::ErrorKind::NotFound.into());
    };
    setsid()?;
    ioctl_tiocsctty(io::stdin())?;
    dup2_stderr(io::stdin())?;
    Ok(Command::new(program).args(arguments).exec())
}
