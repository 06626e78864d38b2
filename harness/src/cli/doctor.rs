//! `upward doctor`: what this machine provides for runs.

use std::path::Path;
use std::time::Duration;

use clap::Args;

use crate::cli::clients::wait;
use crate::cli::run::DIRECTORY;
use crate::cli::run::present::Present;
use crate::cli::{Failure, VERSION};
use crate::process::isolation::{Isolation, Peer, advice};
use crate::process::{self, Console, Invocation, Keeper, Limits, ProcessError};
use crate::profile::{self, Profile, is_there};
use crate::template::clients;

/// Says what this machine has that runs can use, what is missing, and what is to be done about it.
#[derive(Args, Clone, Debug)]
pub(super) struct Doctor;

/// How long the smallest program may run, and how much of its output is kept.
const LIMITS: Limits = Limits { deadline: Duration::from_secs(20), output: 4096 };

/// What is said of one thing.
macro_rules! finding {
    ($what:literal, $($text:tt)*) => { outln!("{:<11} {}", $what, format_args!($($text)*)) };
}

impl Doctor {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let profiles = profile::bundled().map_err(|error| Failure::from_profile(&error))?;
        finding!("upward", "{VERSION}");
        let present = wait(Present::find(profiles.clone()))?;
        finding!(
            "clients",
            "{} of {} bundled ones are installed; `upward clients` says how to get the others",
            present.there.len(),
            profiles.len()
        );
        finding!("built ones", "are looked for in {} (or $UPWARD_CLIENTS)", clients().display());
        for builder in builders(&profiles) {
            finding!("", "{builder}");
        }
        match wait(isolates())? {
            Ok(()) => finding!("isolation", "works: --isolate gives each run a network of its own"),
            Err(error) => {
                finding!("isolation", "does not work: {error}");
                finding!("", "{}", advice());
            }
        }
        match writes(Path::new(DIRECTORY)) {
            Ok(()) => finding!("results", "go to {DIRECTORY} here, which can be written to"),
            Err(error) => {
                finding!("results", "cannot be written to {DIRECTORY}: {error}");
                finding!("", "--directory names another folder");
            }
        }
        Ok(0)
    }
}

/// The programs that build clients, and whether they are there.
fn builders(profiles: &[Profile]) -> Vec<String> {
    let built: Vec<(&str, &str)> = profiles
        .iter()
        .filter_map(|profile| Some((&**profile.build.first()?, &*profile.name)))
        .collect();
    let line = |(program, name): (&str, &str)| {
        if is_there(program) {
            format!("`upward clients build '{name}'` finds its {program}")
        } else {
            format!("`upward clients build '{name}'` needs {program}, which is not here")
        }
    };
    built.into_iter().map(line).collect()
}

/// Whether a program can be run in isolation.
async fn isolates() -> Result<(), ProcessError> {
    let folder =
        tempfile::tempdir().map_err(|error| ProcessError::Start("true".to_owned(), error))?;
    let isolation = Isolation { port: 2525, names: Vec::new(), fresh: Vec::new() };
    let invocation = Invocation {
        argv: vec!["true".into()],
        environment: Vec::new(),
        stdin: Vec::new(),
        dir: folder.path().to_path_buf(),
        console: Console::Pipes,
        isolation: Some((isolation, Peer::Absent)),
    };
    process::start(&Keeper::itself(), invocation, LIMITS).await?.wait().await;
    Ok(())
}

/// Whether files can be written to a folder, or to the nearest one above it that is there.
fn writes(folder: &Path) -> std::io::Result<()> {
    let folder = std::path::absolute(folder)?;
    let there = folder.ancestors().find(|folder| folder.exists()).unwrap_or(&folder);
    tempfile::tempfile_in(there).map(drop)
}
