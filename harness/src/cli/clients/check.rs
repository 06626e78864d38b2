//! Checks the user's own profiles strictly, and runs their controls on request.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::watch;

use crate::cli::reports::slug;
use crate::cli::run::cores;
use crate::cli::run::present::Present;
use crate::cli::{Failure, protocol};
use crate::process::Keeper;
use crate::process::isolation::Isolation;
use crate::profile::{self, Profile};
use crate::report;
use crate::results::{Results, Setup};
use crate::suite::{self, Job};

/// What is done beside reading.
pub(super) struct How<'a> {
    /// Whether the controls are run.
    pub(super) run: bool,
    /// Seconds that a client may run.
    pub(super) deadline: u64,
    /// Where runs leave their files.
    pub(super) directory: &'a Path,
}

/// Reads profiles; all of them, whatever is wrong with the first.
pub(super) async fn check(files: &[PathBuf], how: &How<'_>) -> Result<u8, Failure> {
    let mut codes = Vec::new();
    for file in files {
        match profile::load(file) {
            Ok(profile) => {
                let name = (file.display(), &profile.name, &profile.protocol, profile.policy);
                outln!("{}: {}: {} under policy {}", name.0, name.1, name.2, name.3.name());
                codes.push(if how.run { try_out(profile, how).await? } else { 0 });
            }
            Err(error) => {
                eprintln!("{}", Failure::from_profile(&error));
                codes.push(2);
            }
        }
    }
    Ok([2, 3, 1].into_iter().find(|code| codes.contains(code)).unwrap_or(0))
}

/// Asks a client for its version, as `upward run` does before anything else, and runs its controls.
async fn try_out(profile: Profile, how: &How<'_>) -> Result<u8, Failure> {
    let present = Present::find(vec![profile.clone()]).await;
    if !present.missing.is_empty() {
        let help = "install it, or correct `version` in its profile";
        eprintln!("{}", present.not_installed().help(help));
        return Ok(2);
    }
    controls(profile, how).await
}

/// Runs the controls of a client: as [`Results::controls_code`].
async fn controls(profile: Profile, how: &How<'_>) -> Result<u8, Failure> {
    // A client with a fixed port can use that port only in isolation.
    let isolation = profile.port.map(|port| Isolation {
        port,
        names: profile.names.clone(),
        fresh: profile.fresh.clone(),
    });
    let job = Job {
        protocol: protocol(&profile.protocol)?,
        policy: profile.policy,
        vectors: Vec::new(),
        again: String::new(),
        directory: how.directory.join(slug(&profile.name)),
        profile,
        jobs: cores(),
        deadline: Duration::from_secs(how.deadline),
        patience: None,
        keeper: Keeper::itself(),
        isolation,
    };
    let (_keep, stop) = watch::channel(false);
    let report = suite::run(&job, &|_| (), &stop).await;
    let report = report.map_err(|error| Failure::from_suite(&error, &job))?;
    let results = Results::of(&report, Setup::default());
    out!("{}", report::controls(&results));
    Ok(results.controls_code())
}
