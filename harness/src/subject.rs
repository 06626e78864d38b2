//! What is under test, and what it takes to run it once: a program in a folder of its own, where it is sent, and what it
//! tells its user.

mod deserted;
mod folder;
mod folder_lock;
mod program;

use std::path::PathBuf;

use crate::process::ProcessError;
use crate::template::TemplateError;

pub(crate) use self::deserted::Deserted;
pub(crate) use self::folder::Folder;
pub(crate) use self::folder_lock::FolderLock;
pub(crate) use self::program::{Program, write};

/// Why a program could not be run.
#[derive(Debug, thiserror::Error)]
pub enum SubjectError {
    /// It could not be started.
    #[error("{0}")]
    Process(#[from] ProcessError),
    /// A placeholder is wrong.
    #[error("{0}")]
    Template(#[from] TemplateError),
    /// A driver does not exist any more.
    #[error("there is no driver `{0}`")]
    NoDriver(String),
    /// A file could not be written.
    #[error("failed to write {path}: {error}")]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What went wrong.
        error: std::io::Error,
    },
    /// Another suite runs in the folder.
    #[error("another run is at work in {0}")]
    Held(PathBuf),
    /// No free port.
    #[error("failed to listen on the loopback interface: {0}")]
    Listen(std::io::Error),
}

/// What a client told its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UserReport {
    /// It has done its task.
    Success,
    /// It has failed.
    Failure,
    /// Nothing meaningful: it is unknown how the client ended.
    Nothing,
}

/// Where the client is sent, and which authority it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// To the persona, with its authority.
    Persona,
    /// To the persona, with an authority that signed nothing.
    OtherAuthority,
    /// To a port on which nothing listens.
    Deserted,
}
