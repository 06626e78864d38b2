//! A terminal in place of pipes: some programs want somebody who types.
//!
//! The process leads a session of its own, whose controlling terminal this is.

use std::io;

use process_wrap::tokio::ChildWrapper;
use pty_process::Size;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};

use super::Spawned;

/// Rows and columns.
const SIZE: (u16, u16) = (24, 80);

/// Starts a process on a terminal of its own.
pub(super) fn spawn(command: Command) -> io::Result<Spawned> {
    let (terminal, end) = pty_process::open().map_err(plain)?;
    terminal.resize(Size::new(SIZE.0, SIZE.1)).map_err(plain)?;
    let child = pty_process::Command::from(command).kill_on_drop(true).spawn(end).map_err(plain)?;
    let (output, input) = terminal.into_split();
    Ok(Spawned {
        child: Box::new(Leader { group: group(&child), child }),
        stdin: Some(Box::new(input)),
        stdout: Some(Box::new(output)),
        stderr: None,
    })
}

fn plain(error: pty_process::Error) -> io::Error {
    match error {
        pty_process::Error::Io(error) => error,
        other => io::Error::other(other),
    }
}

/// The leader of a session: its group is killed with it.
#[derive(Debug)]
struct Leader {
    child: Child,
    group: Option<Pid>,
}

fn group(child: &Child) -> Option<Pid> {
    Pid::from_raw(i32::try_from(child.id()?).ok()?)
}

impl ChildWrapper for Leader {
    fn inner(&self) -> &dyn ChildWrapper {
        &self.child
    }

    fn inner_mut(&mut self) -> &mut dyn ChildWrapper {
        &mut self.child
    }

    fn into_inner(self: Box<Self>) -> Box<dyn ChildWrapper> {
        Box::new(self.child)
    }

    fn start_kill(&mut self) -> io::Result<()> {
        if let Some(group) = self.group {
            // Where everybody is gone there is nothing to do.
            let _ = kill_process_group(group, Signal::KILL);
        }
        self.child.start_kill()
    }
}
