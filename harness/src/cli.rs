//! The command line: one file for each verb.

#[macro_use]
mod out;

mod builtin;
mod clients;
mod doctor;
mod explore;
mod flaws;
mod manual;
mod names;
mod prove;
mod reads;
mod report;
mod reports;
mod run;
mod serve;
mod vectors;
mod waive;

use std::fmt;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Parser, Subcommand, ValueEnum};
use upward_model::policy::Policy;
use upward_model::vector::{Tier, Vector};

use crate::vectors::Retired;

use crate::process::ProcessError;
use crate::profile::ProfileError;
use crate::subject::SubjectError;
use crate::suggestions::did_you_mean;
use crate::suite::{Job, SuiteError};

use self::names::flaw;
pub(crate) use self::names::protocol;

/// The version, and the digest of the committed vectors.
const VERSION: &str =
    concat!(env!("CARGO_PKG_VERSION"), " (vectors ", include_str!("../../vectors/generation"), ")");

/// Proves what a policy for in-band TLS upgrade guarantees, and tests programs against it.
///
/// Exit codes: 0 as expected; 1 a vector failed, and nobody announced it, or a claim is broken; 2
/// usage, configuration or a
/// missing program; 3 no verdict.
#[derive(Parser, Debug)]
#[command(name = "upward", version = VERSION)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    Run(Box<run::Run>),
    Report(report::Report),
    Waive(waive::Waive),
    Clients(clients::Clients),
    Prove(prove::Prove),
    Flaws(flaws::Flaws),
    Explore(explore::Explore),
    Serve(serve::Serve),
    Vectors(vectors::Vectors),
    Doctor(doctor::Doctor),
    Completions(manual::Completions),
    Man(manual::Man),
}

/// What went wrong before anything could be judged.
#[derive(Debug)]
pub(crate) struct Failure {
    what: String,
    help: Option<String>,
    code: u8,
}

impl Failure {
    pub(crate) const fn new(what: String) -> Self {
        Self { what, help: None, code: 2 }
    }

    /// A file or folder that could not be written.
    pub(crate) fn unwritten(path: &Path, error: &io::Error) -> Self {
        Self::new(format!("failed to write {}: {error}", path.display()))
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) const fn code(mut self, code: u8) -> Self {
        self.code = code;
        self
    }

    fn from_profile(error: &ProfileError) -> Self {
        Self::new(error.to_string()).help(error.help())
    }

    fn from_suite(error: &SuiteError, job: &Job) -> Self {
        let failure = Self::new(error.to_string());
        let error = match error {
            SuiteError::Subject(error) => error,
            SuiteError::Stopped => return failure.code(crate::results::INTERRUPTED),
            _ => return failure,
        };
        match error {
            SubjectError::Process(ProcessError::Missing(program))
                if program.contains(char::is_whitespace) =>
            {
                failure.help(
                    "nothing splits a command: write its words one by one, and not in one pair of quotes",
                )
            }
            SubjectError::Process(ProcessError::Missing(program)) if program.contains('/') => {
                failure.help(if Path::new(program).exists() {
                    "it is there, but not what its first line (`#!`), or its loader's, names"
                } else {
                    "there is no such file"
                })
            }
            SubjectError::Process(ProcessError::Missing(_)) => match &job.profile.install()[..] {
                [] => failure.help("is it installed, and in PATH?"),
                commands => failure.help(commands.join("; ")),
            },
            SubjectError::Process(ProcessError::Forbidden(_)) => {
                failure.help("is it a program, and may you run it?")
            }
            SubjectError::Process(ProcessError::Isolation(..)) => {
                failure.help(crate::process::isolation::advice())
            }
            SubjectError::Held(_) => {
                failure.help("wait for its end, or give this one a folder with --directory")
            }
            SubjectError::Write { .. } => failure.help(
                "--directory says which folder is written to: may you write there, and is there room?",
            ),
            _ => failure,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.what)?;
        match &self.help {
            Some(help) => write!(f, "\n help: {help}"),
            None => Ok(()),
        }
    }
}

/// What is unexpected may be a program's own: who forgets the `--` is told.
fn with_tip(mut error: clap::Error) -> clap::Error {
    let runs = std::env::args().nth(1).is_some_and(|verb| verb == "run");
    let unknown = error.kind() == ErrorKind::UnknownArgument;
    if runs && unknown && error.get(ContextKind::SuggestedArg).is_none() {
        let tip =
            "a program and its arguments are put behind `--`: upward run --protocol smtp -- CMD";
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}

/// Runs the command line.
pub fn main() -> ExitCode {
    // First of all: the stage is this program, too, and is started for each client.
    if let Some(code) = crate::process::stage::main() {
        return code;
    }
    let cli = Cli::try_parse().unwrap_or_else(|error| with_tip(error).exit());
    let result = match &cli.verb {
        Verb::Run(verb) => verb.run(),
        Verb::Report(verb) => verb.run(),
        Verb::Waive(verb) => verb.run(),
        Verb::Clients(verb) => verb.run(),
        Verb::Prove(verb) => verb.run(),
        Verb::Flaws(verb) => verb.run(),
        Verb::Explore(verb) => verb.run(),
        Verb::Serve(verb) => verb.run(),
        Verb::Vectors(verb) => verb.run(),
        Verb::Doctor(verb) => verb.run(),
        Verb::Completions(verb) => verb.run(),
        Verb::Man(verb) => verb.run(),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(failure.code)
        }
    }
}

/// The exit code of several runs: an interruption beats all, 1 beats 2, 2 beats 3, and 3 beats 0.
fn worst(codes: &[u8]) -> u8 {
    [crate::results::INTERRUPTED, 1, 2, 3]
        .into_iter()
        .find(|code| codes.contains(code))
        .unwrap_or(0)
}

/// A committed vector by its id, or by a former one.
fn vector(id: &str) -> Result<Vector, Failure> {
    let name = id.split('/').next().unwrap_or_default();
    let file = crate::vectors::committed(name).map_err(|error| Failure::new(error.to_string()))?;
    let named = |vector: &Vector| vector.id == id || vector.aliases.iter().any(|old| old == id);
    let meant = did_you_mean(id, file.vectors.iter().map(|vector| &*vector.id));
    file.vectors.into_iter().find(named).ok_or_else(|| {
        let what = match Retired::committed().summary(id) {
            Some(summary) => format!("vector `{id}` is retired; it was: {summary}"),
            None => format!("there is no vector `{id}`"),
        };
        Failure::new(what)
            .help(format!("{meant}`upward vectors list --protocol {name}` lists them"))
    })
}

/// A policy, on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PolicyName {
    /// Authenticated TLS by in-band upgrade, or nothing.
    Required,
    /// The same on a separate port.
    Implicit,
    /// TLS if offered.
    Opportunistic,
}

impl From<PolicyName> for Policy {
    fn from(name: PolicyName) -> Self {
        match name {
            PolicyName::Required => Self::Required,
            PolicyName::Implicit => Self::Implicit,
            PolicyName::Opportunistic => Self::Opportunistic,
        }
    }
}

/// A tier, on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TierName {
    /// A small set that shows every known mistake in one way.
    Smoke,
    /// Each attack in each state.
    Standard,
    /// All wordings.
    Full,
}

impl From<TierName> for Tier {
    fn from(name: TierName) -> Self {
        match name {
            TierName::Smoke => Self::Smoke,
            TierName::Standard => Self::Standard,
            TierName::Full => Self::Full,
        }
    }
}
