//! Which of the selected clients are installed.

use clap::ValueEnum;
use tokio::task::JoinSet;

use super::Run;
use crate::cli::Failure;
use crate::process::Keeper;
use crate::profile::{Installed, Profile, probe};

/// A client that is there.
#[derive(Clone, Debug)]
pub(in crate::cli) struct InstalledClient {
    pub(in crate::cli) profile: Profile,
    /// Its version, where it is known.
    pub(in crate::cli) version: Option<String>,
}

/// The clients that were looked for.
#[derive(Clone, Debug, Default)]
pub(in crate::cli) struct Present {
    /// Those that are there.
    pub(in crate::cli) there: Vec<InstalledClient>,
    /// Those that are not: what they are called, and how to install them.
    pub(in crate::cli) missing: Vec<String>,
}

/// What is done about a client that is not installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Missing {
    /// Nothing is run, and the exit code is 2.
    Fail,
    /// The others are run.
    Skip,
}

impl Present {
    /// The program of a command line: whether it is there is seen when it is started.
    pub(super) fn of_command(profile: Profile) -> Self {
        Self { there: vec![InstalledClient { profile, version: None }], missing: Vec::new() }
    }

    /// Asks all of them, at once, for their versions.
    pub(in crate::cli) async fn find(profiles: Vec<Profile>) -> Self {
        let keeper = Keeper::itself();
        let mut asked = JoinSet::new();
        for (index, profile) in profiles.into_iter().enumerate() {
            let keeper = keeper.clone();
            asked.spawn(async move { (index, probe(&profile, &keeper).await, profile) });
        }
        let mut found: Vec<_> = asked.join_all().await;
        found.sort_by_key(|(index, ..)| *index);
        let mut present = Self::default();
        for (_, installed, profile) in found {
            match installed {
                Installed::Yes(version) => present.there.push(InstalledClient { profile, version }),
                Installed::No => present.missing.push(how(&profile)),
            }
        }
        present
    }

    /// Says which clients are not there.
    pub(in crate::cli) fn not_installed(&self) -> Failure {
        Failure::new(format!("not installed: {}", self.missing.join(", ")))
    }
}

impl Run {
    /// Those of the clients that are there; an error where one has to be and is not.
    pub(super) async fn present(&self, profiles: Vec<Profile>) -> Result<Present, Failure> {
        let present = Present::find(profiles).await;
        let default = if self.all { Missing::Skip } else { Missing::Fail };
        if self.missing.unwrap_or(default) == Missing::Fail && !present.missing.is_empty() {
            return Err(present
                .not_installed()
                .help("install it, or leave it out with --missing skip"));
        }
        Ok(present)
    }
}

/// What a client is called, and how to install it; or what was asked in vain.
fn how(profile: &Profile) -> String {
    let commands = match &profile.install()[..] {
        [] if profile.version.is_empty() => format!("no program `{}`", profile.argv[0]),
        [] => format!("`{}` fails", profile.version.join(" ")),
        commands => commands.join("; "),
    };
    format!("{} ({commands})", profile.name)
}
