//! Whether a client is installed, and in which version: its version command tells both.

use std::path::Path;
use std::time::Duration;

use super::Profile;
use crate::process::{self, Exit, Invocation, Keeper, Limits};
use crate::template::{self, Values};

/// Whether a client is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Installed {
    /// It is installed; with the first line of its version, if it prints one.
    Yes(Option<String>),
    /// It is not installed.
    No,
}

/// How long a client may take to print its version, and how many bytes are recorded.
const LIMITS: Limits = Limits { deadline: Duration::from_secs(20), output: 4096 };

/// How many characters of a version are shown.
const SHOWN: usize = 60;

/// Finds out whether a client is installed: runs its version command in an empty folder, or searches
/// for its program if it has none.
pub async fn probe(profile: &Profile, keeper: &Keeper) -> Installed {
    if profile.version.is_empty() {
        let found = profile.argv.first().is_some_and(|program| is_there(program));
        return if found { Installed::Yes(None) } else { Installed::No };
    }
    version(profile, keeper).await.unwrap_or(Installed::No)
}

async fn version(profile: &Profile, keeper: &Keeper) -> Option<Installed> {
    let folder = tempfile::tempdir().ok()?;
    let values = Values::of_no_run(folder.path().to_path_buf());
    let argv =
        profile.version.iter().map(|text| Some(template::render(text, &values).ok()?.into()));
    let invocation = Invocation {
        isolation: None,
        argv: argv.collect::<Option<_>>()?,
        environment: profile.surroundings(&values).ok()?,
        stdin: Vec::new(),
        dir: values.dir.clone(),
        console: process::Console::Pipes,
    };
    let ended = process::start(keeper, invocation, LIMITS).await.ok()?.wait().await;
    if ended.exit != Exit::Code(0) {
        return Some(Installed::No);
    }
    // Some programs, such as Java, print it on standard error.
    let line = [ended.stdout, ended.stderr].iter().find_map(|output| {
        let text = String::from_utf8_lossy(&output.bytes).into_owned();
        let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
        Some(line.chars().take(SHOWN).collect())
    });
    Some(Installed::Yes(line))
}

/// Whether a program exists.
pub fn is_there(program: &str) -> bool {
    if program.contains('/') {
        return Path::new(program).exists();
    }
    std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    })
}
