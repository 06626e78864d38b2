//! Tests of a client in Rust as `cargo test` cases, one for each vector, without a separate program.
//!
//! The client is an async function: it connects to the server of a [`Visit`], logs in, delivers, and
//! returns. It is called once for each vector, against a server that plays the attacker. It is judged
//! from the bytes on the wire, as a program is. Its result is the report to its user: `Ok` claims that
//! the data were delivered.
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
//! The first control, an honest server, is run once for each process, before its first case. Other
//! controls, such as a server that stops answering, can only turn a failure into another verdict, so
//! they are run only if a case fails. A failure is repeated twice; if it does not fail each time, the
//! case has no verdict, and fails as well.
//!
//! Unlike a program, a function that never returns cannot be killed: if it waits without yielding, its
//! thread remains until the test process ends.

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

/// The client's task: the server, the authority to trust, and the secrets to use.
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
    /// The certificate of the only authority to trust, as PEM.
    pub ca: String,
    /// A file with the same.
    pub ca_file: PathBuf,
    /// The user name for the login.
    pub user: String,
    /// The password for the login.
    pub password: String,
    /// The confidential data, one line of text: the message to deliver; in IMAP and POP3, the text of
    /// the mail that can be fetched.
    pub body: String,
    /// What the user asked for before connecting.
    pub policy: Policy,
}

/// Why no cases could be made.
#[derive(Debug, thiserror::Error)]
pub enum InProcessError {
    /// There is no such protocol, or it has no codec.
    #[error("protocol `{0}` cannot be run; those that can be: {1}")]
    NoCodec(String, String),
    /// The vectors cannot be used.
    #[error("{0}")]
    Vectors(#[from] VectorError),
    /// No vector is selected.
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
        /// The name in the waiver.
        vector: String,
    },
    /// No certificates could be made.
    #[error("{0}")]
    Certificates(#[from] CertificateError),
    /// The authorities' certificates could not be laid out.
    #[error("failed to write the authority's certificate: {0}")]
    Write(#[from] std::io::Error),
}

/// The vectors of a protocol as cases. Defaults: policy `required`, tier `standard`, 20 seconds for
/// each call. `protocol` is its name, for example `smtp`.
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

/// Which vectors are played, and how; created by [`in_process`].
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
    /// The usual data of the protocol: data to deliver, or mail to fetch.
    AsUsual,
    /// Only its login.
    Login,
}

/// Which broken properties fail a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Strictness {
    /// Only a broken MUST of the standards.
    Must,
    /// Also a broken SHOULD.
    Should,
}

impl InProcess {
    /// The user's policy; the function gets it as [`Visit::policy`].
    #[must_use]
    pub const fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// The set of vectors: each tier contains the smaller ones.
    #[must_use]
    pub const fn tier(mut self, tier: Tier) -> Self {
        self.tier = tier;
        self
    }

    /// Only vectors whose id matches this pattern, for example `smtp/neg/*`, of every tier. After
    /// several calls, vectors that match any of the patterns.
    #[must_use]
    pub fn only(mut self, pattern: impl Into<String>) -> Self {
        self.patterns.push(pattern.into());
        self
    }

    /// How long one call may take; after that, the client is considered to hang.
    #[must_use]
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The function does not use [`Visit::body`]: only its login is confidential.
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

    /// Tolerates the failures listed in a file of waivers, each with its reason. The path is relative
    /// to the package's folder, where `cargo test` runs. A waived case is reported as ignored, with the
    /// reason. A waived case that passes fails, since its waiver is not needed.
    #[must_use]
    pub fn waivers(mut self, file: impl AsRef<Path>) -> Self {
        self.waivers = Some(file.as_ref().to_owned());
        self
    }

    /// The client's name in reports; by default, the package's name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Runs the cases selected by the command line, and returns the exit code for `main`: 0; 101 if a
    /// case failed; 2, with a message, if there are no cases.
    ///
    /// Each call gets its own thread and Tokio runtime (current-thread, with I/O and time), so it may
    /// block. A panic is a crash; an error is shown to the user with its `Display` text.
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

    /// The cases, for a `main` that has other cases, too.
    ///
    /// # Errors
    ///
    /// If the protocol is unknown, no vector is selected, a file cannot be written, or the waivers have
    /// an error.
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
