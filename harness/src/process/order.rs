//! The order that tells a stage which client to run.
//!
//! It is sent as a file in memory, with the client's input and outputs. A command line may be longer
//! than the largest message of a socket.

use std::ffi::{OsStr, OsString};
use std::io::{self, Seek as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::process::Command;

use rustix::fs::{MemfdFlags, memfd_create};
use serde::{Deserialize, Serialize};

use super::control::hear;

/// What to run, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    /// Program and arguments.
    pub(super) argv: Vec<OsString>,
    /// All of its environment.
    pub(super) environment: Vec<(OsString, OsString)>,
    /// Working directory; `None` if the stage is already in it.
    pub(super) folder: Option<OsString>,
}

/// An order, with what the client reads and writes.
pub(super) struct Received {
    pub(super) order: Order,
    /// Standard input, output and error.
    pub(super) ends: [OwnedFd; 3],
}

impl Order {
    /// Writes the order to a file in memory, to be sent to a stage.
    pub(super) fn write(&self) -> io::Result<OwnedFd> {
        let mut file = std::fs::File::from(memfd_create("order", MemfdFlags::CLOEXEC)?);
        file.write_all(&serde_json::to_vec(self)?)?;
        file.rewind()?;
        Ok(file.into())
    }

    /// Waits for an order; `None` when the stream has ended.
    pub(super) fn hear(control: &OwnedFd) -> io::Result<Option<Received>> {
        let (length, descriptors) = hear(control.as_fd(), &mut [0])?;
        if length == 0 {
            return Ok(None);
        }
        let [order, ends @ ..]: [OwnedFd; 4] =
            descriptors.try_into().map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
        let order = serde_json::from_reader(io::BufReader::new(std::fs::File::from(order)))?;
        Ok(Some(Received { order, ends }))
    }

    /// A command with the order's folder and environment.
    pub(super) fn command(&self, program: &OsStr) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.environment.iter().map(|(name, value)| (name, value)));
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        command
    }
}
