//! A client in Rust as `cargo test` cases, one a vector, with no program between.
//!
//! The client is an async function: it connects to where a [`Visit`] says, logs in, delivers, and
//! returns. It is called once for each vector, against a server that plays the attacker, and judged
//! from the bytes as a program is. What it returns is what its user is told: `Ok` claims that the
//! data were delivered.
//!
//! In `Cargo.toml`:
//!
//! ```toml
//! [[test]]
//! name = "upgrade"
//! harness = false
//! ```
//!
//! In `tests/upgrade.rs`:
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use tokio::io::{AsyncBufReadExt, BufReader};
//! use tokio::net::TcpStream;
//! use upward::in_process::Visit;
//!
//! /// Your client in place of this one, which gives up on all servers.
//! async fn deliver(visit: Visit) -> Result<(), Box<dyn std::error::Error>> {
//!     let stream = TcpStream::connect((visit.host.as_str(), visit.port)).await?;
//!     let mut greeting = String::new();
//!     BufReader::new(stream).read_line(&mut greeting).await?;
//!     Err("this client cannot do TLS".into())
//! }
//!
//! fn main() -> ExitCode {
//!     upward::in_process("smtp").run(deliver)
//! }
//! ```
//!
//! Then `cargo test --test upgrade` runs all cases, and what libtest's command line knows works:
//! `-- smtp/neg`, `-- --exact smtp/neg/no-offer`, `-- --list`, `-- --ignored`; so does
//! `cargo nextest run`, which starts a process for each case.
//!
//! What a client does with an honest server is found out once a process, before its first case; the
//! control that can only take a failure back (a server that falls silent) is run where something
//! fails. What fails is run twice more, and a case that does not fail each time has no verdict, which
//! fails it as well.
//!
//! Unlike a program, a function that never returns cannot be ended: where it waits without yielding,
//! its thread is left behind until the test process ends.

mod cases;
mod function;

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::Arguments;
use upward_model::policy::Policy;
use upward_model::protocol::Protocol;
use upward_model::vector::{Tier, Vector};

use crate::catalogue;
use crate::certificate::CertificateError;
use crate::vectors::{self, Selection, VectorError};
use crate::waiver::{WaiverError, Waivers};

use self::cases::Suite;
use self::function::Function;

/// What the client under test is sent to do: where, whom to trust, and what to carry there.
///
/// User, password and body are unique to the call, and searched for on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Visit {
    /// The name in the server's certificate, `localhost`.
    pub host: String,
    /// The server's address; the same port is open on `::1` where there is IPv6.
    pub ip: std::net::IpAddr,
    /// The server's port.
    pub port: u16,
    /// The certificate of the authority to trust, and of no other, as PEM.
    pub ca: String,
    /// A file with the same.
    pub ca_file: PathBuf,
    /// Who logs in.
    pub user: String,
    /// With what.
    pub password: String,
    /// The confidential data, one line of text: to be delivered; in IMAP and POP3, what stands in the
    /// mail that can be fetched.
    pub body: String,
    /// What the user asked for before connecting.
    pub policy: Policy,
}

/// Why there are no cases.
#[derive(Debug, thiserror::Error)]
pub enum InProcessError {
    /// There is no such protocol, or it has no codec.
    #[error("protocol `{0}` cannot be run; those that can be: {1}")]
    NoCodec(String, String),
    /// The vectors cannot be used.
    #[error("{0}")]
    Vectors(#[from] VectorError),
    /// No vector is meant.
    #[error("no vector of {protocol} is selected under policy {policy}")]
    Nothing {
        /// The protocol.
        protocol: &'static str,
        /// The policy.
        policy: &'static str,
    },
    /// The waivers cannot be used.
    #[error("{0}")]
    Waivers(#[from] WaiverError),
    /// A waiver names no vector of any protocol.
    #[error(
        "{place}: `{vector}` names no vector that there is: remove this waiver, or correct the name"
    )]
    WaivesNothing {
        /// Where the waiver is written: file and line.
        place: String,
        /// What it names.
        vector: String,
    },
    /// No certificates could be made.
    #[error("{0}")]
    Certificates(#[from] CertificateError),
    /// The authorities' certificates could not be laid out.
    #[error("failed to write the authority's certificate: {0}")]
    Write(#[from] std::io::Error),
}

/// The vectors of a protocol as cases: policy `required`, tier `standard`, 20 seconds a call, unless
/// said otherwise. `protocol` is its name, for example `smtp`.
#[must_use]
pub fn in_process(protocol: &str) -> InProcess {
    InProcess {
        protocol: protocol.to_owned(),
        policy: Policy::Required,
        tier: Tier::Standard,
        patterns: Vec::new(),
        deadline: Duration::from_secs(20),
        carries: Carries::AsUsual,
        strictness: Strictness::Must,
        waivers: None,
        name: std::env::var("CARGO_PKG_NAME").unwrap_or_else(|_| "the client".to_owned()),
    }
}

/// Which vectors are played, and how; made by [`in_process`].
#[derive(Clone, Debug)]
pub struct InProcess {
    protocol: String,
    policy: Policy,
    tier: Tier,
    patterns: Vec<String>,
    deadline: Duration,
    carries: Carries,
    strictness: Strictness,
    waivers: Option<PathBuf>,
    name: String,
}

/// What the client has to protect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Carries {
    /// What clients of the protocol have: data to deliver, or mail to fetch.
    AsUsual,
    /// Its login alone.
    Login,
}

/// Which broken properties fail a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Strictness {
    /// Those that the standards call a MUST.
    Must,
    /// A SHOULD as well.
    Should,
}

impl InProcess {
    /// What the user asked for; the function is told as [`Visit::policy`].
    #[must_use]
    pub const fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// How many vectors: each tier holds the smaller ones.
    #[must_use]
    pub const fn tier(mut self, tier: Tier) -> Self {
        self.tier = tier;
        self
    }

    /// Only vectors whose id matches this pattern, for example `smtp/neg/*`, of every tier; called
    /// several times, those that match any.
    #[must_use]
    pub fn only(mut self, pattern: impl Into<String>) -> Self {
        self.patterns.push(pattern.into());
        self
    }

    /// How long one call may take, before it is taken to hang.
    #[must_use]
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The function leaves [`Visit::body`] alone: all that it has to protect is its login.
    #[must_use]
    pub const fn only_logs_in(mut self) -> Self {
        self.carries = Carries::Login;
        self
    }

    /// A broken SHOULD fails a case, too.
    #[must_use]
    pub const fn strict(mut self) -> Self {
        self.strictness = Strictness::Should;
        self
    }

    /// Tolerates the failures that a file of waivers names, each with its reason; the path is taken
    /// from the folder of the package, where `cargo test` starts. A waived case is reported as
    /// ignored, with the reason; one that passes all the same fails, since its waiver is not needed.
    #[must_use]
    pub fn waivers(mut self, file: impl AsRef<Path>) -> Self {
        self.waivers = Some(file.as_ref().to_owned());
        self
    }

    /// What the client is called in reports; the package's name, if not given.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Runs the cases that the command line names, and returns the exit code for `main`: 0, 101
    /// where a case failed, or 2, with a message, where there are no cases.
    ///
    /// Each call has a thread and a Tokio runtime (of the current-thread kind, with I/O and time) of
    /// its own, so it may block. A panic is a crash; an error is told to the user as it prints.
    pub fn run<C, F, E>(&self, client: C) -> ExitCode
    where
        C: Fn(Visit) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), E>>,
        E: Display,
    {
        let arguments = Arguments::from_args();
        let cases = match self.cases(client) {
            Ok(cases) => cases,
            Err(error) => {
                eprintln!("upward: {error}");
                return ExitCode::from(2);
            }
        };
        libtest_mimic::run(&arguments, cases).exit_code()
    }

    /// The cases themselves, for a `main` that has others, too.
    ///
    /// # Errors
    ///
    /// Where there is no such protocol, no vector, no room for a file, or a slip in the waivers.
    pub fn cases<C, F, E>(&self, client: C) -> Result<Vec<libtest_mimic::Trial>, InProcessError>
    where
        C: Fn(Visit) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), E>>,
        E: Display,
    {
        let (protocol, vectors) = self.selected()?;
        let function = Function::new(self, protocol, client)?;
        let waivers = self.tolerated()?;
        let suite = Arc::new(Suite::new(function, self.name.clone(), self.strictness, waivers));
        Ok(vectors.into_iter().map(|vector| Suite::case(&suite, vector)).collect())
    }

    fn tolerated(&self) -> Result<Waivers, InProcessError> {
        let Some(file) = &self.waivers else { return Ok(Waivers::default()) };
        let waivers = Waivers::load(file)?;
        match waivers.naming_nothing() {
            Some(waiver) => Err(InProcessError::WaivesNothing {
                place: waiver.place.clone(),
                vector: waiver.vector.as_str().to_owned(),
            }),
            None => Ok(waivers),
        }
    }

    fn selected(&self) -> Result<(&'static Protocol, Vec<Vector>), InProcessError> {
        let protocol = catalogue::by_name(&self.protocol)
            .ok_or_else(|| InProcessError::NoCodec(self.protocol.clone(), catalogue::names()))?
            .protocol;
        let selection = Selection {
            patterns: self.patterns.clone(),
            tier: Some(self.tier),
            policy: Some(self.policy),
        };
        let selected = selection.of(vectors::committed(protocol.name)?.vectors)?;
        if selected.is_empty() {
            let (protocol, policy) = (protocol.name, self.policy.name());
            return Err(InProcessError::Nothing { protocol, policy });
        }
        Ok((protocol, selected))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn gives_up(_: Visit) -> Result<(), &'static str> {
        Err("no")
    }

    #[test]
    fn says_why_there_are_no_cases() {
        let said = |asked: InProcess| asked.cases(gives_up).err().map(|error| error.to_string());
        assert_eq!(
            said(in_process("gopher")).unwrap(),
            format!("protocol `gopher` cannot be run; those that can be: {}", catalogue::names())
        );
        assert_eq!(
            said(in_process("smtp").only("pop3/*")).unwrap(),
            "no vector of smtp is selected under policy required"
        );
        assert!(said(in_process("smtp").only("[")).unwrap().starts_with("bad pattern: "));
    }

    #[test]
    fn a_case_is_called_as_its_vector() {
        let cases = in_process("smtp").tier(Tier::Smoke).cases(gives_up).unwrap();
        let known = vectors::committed("smtp").unwrap().vectors;
        assert!(!cases.is_empty());
        for case in &cases {
            let vector = known.iter().find(|vector| vector.id == case.name()).unwrap();
            assert_eq!(case.has_ignored_flag(), !vector.needs.is_empty());
        }
    }
}
