//! How a client is started: from the command line, or from a profile.
//!
//! A profile is a TOML file. Profiles in `harness/clients/` are built in; others are given by their
//! path. A profile contains everything that is specific to its client.

mod bundled;
mod check;
mod daemon;
mod installed;
mod packages;
mod place;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use upward_model::policy::Policy;

use crate::template::{self, TemplateError, Values};

pub use self::bundled::bundled;
pub use self::check::{load, parse};
pub use self::daemon::{Daemon, Sign};
pub use self::installed::{Installed, is_there, probe};
pub use self::packages::Packages;
pub use self::place::ProfileError;

/// A client under test.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Its name, as in reports.
    pub name: String,
    /// The protocol that it speaks.
    pub protocol: String,
    /// Its user's policy.
    #[serde(default = "required")]
    pub policy: Policy,
    /// The command that prints its version. If the command fails, the client is not installed.
    #[serde(default)]
    pub version: Vec<String>,
    /// The packages that install it.
    #[serde(default)]
    pub packages: Packages,
    /// The command that builds it, run in a checkout of this project.
    #[serde(default)]
    pub build: Vec<String>,
    /// Program and arguments, with placeholders.
    pub argv: Vec<String>,
    /// Its standard input, with placeholders.
    #[serde(default)]
    pub stdin: String,
    /// Files in its directory, with placeholders.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// Programs that are copied unchanged into its directory.
    #[serde(default)]
    pub drivers: Vec<String>,
    /// Environment variables, with placeholders.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Environment variables of the caller that are passed on; they override [`Self::environment`].
    #[serde(default)]
    pub inherit: Vec<String>,
    /// Whether it is started on a terminal instead of pipes.
    #[serde(default)]
    pub terminal: bool,
    /// Whether it writes only data from the server to its standard output. These data must not contain
    /// data received in clear.
    #[serde(default)]
    pub output_is_data: bool,
    /// How it reports success or failure to its user.
    #[serde(default)]
    pub tells: Tells,
    /// The program that does the work, if `argv` only submits it.
    #[serde(default)]
    pub daemon: Option<Daemon>,
    /// Its fixed port, if it cannot use another; it is then run only in isolation.
    #[serde(default)]
    pub port: Option<u16>,
    /// Host names other than `localhost` that it resolves; in isolation they resolve to the persona.
    #[serde(default)]
    pub names: Vec<String>,
    /// Folders of the machine that it writes to; in isolation each run gets its own empty ones.
    #[serde(default)]
    pub fresh: Vec<PathBuf>,
    /// Behaviour that its authors announce: reported, but not counted as unexpected.
    #[serde(default)]
    pub announced: Vec<Trait>,
    /// The place and the words of the announcement, in one sentence.
    #[serde(default)]
    pub documented: String,
    /// The origin of the programs in [`Self::drivers`].
    #[serde(skip)]
    pub(crate) source: Source,
}

/// The origin of a profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Source {
    /// Built in, or created from a command line.
    #[default]
    Here,
    /// A file; its drivers are in the folder `drivers` next to it, or built in.
    File(PathBuf),
}

/// How a client reports success or failure to its user.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tells {
    /// The exit codes that mean success.
    #[serde(default = "zero")]
    pub success: Vec<i32>,
    /// A command, with placeholders, that is run in the client's directory after the client has ended.
    /// The client reports success only if this command exits with 0.
    #[serde(default)]
    pub command: Vec<String>,
}

impl Default for Tells {
    fn default() -> Self {
        Self { success: zero(), command: Vec::new() }
    }
}

fn zero() -> Vec<i32> {
    vec![0]
}

const fn required() -> Policy {
    Policy::Required
}

/// What the authors of a client say about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Trait {
    /// It may go on without TLS: under a policy that needs it, it must be found leaking.
    Opportunistic,
    /// It types without reading: what it acted upon cannot be judged.
    Blind,
    /// It takes any certificate: it must be found giving secrets to whoever has one.
    VerifiesNoCertificate,
}

impl Profile {
    /// A profile for a command line.
    pub fn of_command(protocol: String, policy: Policy, argv: Vec<String>) -> Self {
        Self {
            name: argv.first().cloned().unwrap_or_default(),
            protocol,
            policy,
            version: Vec::new(),
            packages: Packages::default(),
            build: Vec::new(),
            argv,
            stdin: String::new(),
            files: BTreeMap::new(),
            drivers: Vec::new(),
            environment: BTreeMap::new(),
            inherit: Vec::new(),
            terminal: false,
            output_is_data: false,
            tells: Tells::default(),
            daemon: None,
            port: None,
            names: Vec::new(),
            fresh: Vec::new(),
            announced: Vec::new(),
            documented: String::new(),
            source: Source::Here,
        }
    }

    /// Checks placeholders and file names.
    ///
    /// # Errors
    ///
    /// The first error found.
    pub fn check(&self) -> Result<(), TemplateError> {
        for text in self.texts() {
            template::check(text)?;
        }
        for name in self.files.keys().chain(&self.drivers) {
            template::inside(name)?;
        }
        Ok(())
    }

    /// All texts of a run that may contain placeholders.
    fn texts(&self) -> impl Iterator<Item = &String> {
        self.argv
            .iter()
            .chain([&self.stdin])
            .chain(self.files.values())
            .chain(self.environment.values())
            .chain(&self.tells.command)
            .chain(self.daemon.iter().flat_map(|daemon| &daemon.argv))
    }

    /// Whether it is given data to deliver. If not, only its login is confidential.
    pub fn carries_body(&self) -> bool {
        self.is_told("body")
    }

    /// Whether it is given the authority to trust. The OpenSSL variable does not count, since not all
    /// programs read it.
    pub fn is_told_authority(&self) -> bool {
        self.is_told("ca")
    }

    /// Whether it is given the value of a placeholder. Reads the files that its command names.
    fn is_told(&self, placeholder: &str) -> bool {
        // A script may read the value from its environment.
        let variable = template::variable(placeholder);
        self.texts().any(|text| {
            text.contains(&variable)
                || template::check(text).is_ok_and(|used| used.contains(&placeholder))
        }) || self.drivers.iter().any(|name| {
            let text = self.driver(name).unwrap_or_default();
            String::from_utf8_lossy(&text).contains(&variable)
        }) || self.argv.iter().any(|word| speaks_of(Path::new(word), &variable))
    }

    /// Whether a trait is announced.
    pub fn announces(&self, announced: Trait) -> bool {
        self.announced.contains(&announced)
    }

    /// A driver's text: from the profile's folder, or built in.
    pub(crate) fn driver(&self, name: &str) -> Option<Vec<u8>> {
        let own = match &self.source {
            Source::Here => None,
            Source::File(path) => std::fs::read(path.with_file_name("drivers").join(name)).ok(),
        };
        own.or_else(|| bundled::driver(name).map(<[u8]>::to_vec))
    }

    /// The environment variables of its processes, in addition to the few that every program needs.
    ///
    /// # Errors
    ///
    /// If a placeholder is unknown.
    pub fn surroundings(
        &self,
        values: &Values,
    ) -> Result<Vec<(OsString, OsString)>, TemplateError> {
        let mut surroundings = values.environment();
        for (name, text) in &self.environment {
            surroundings.push((name.into(), template::render(text, values)?.into()));
        }
        for name in &self.inherit {
            surroundings.extend(std::env::var_os(name).map(|value| (name.into(), value)));
        }
        Ok(surroundings)
    }
}

/// Whether a program or script named by a command contains the name of a variable.
fn speaks_of(program: &Path, variable: &str) -> bool {
    let mut text = Vec::new();
    program.is_absolute()
        && program.is_file()
        && std::fs::File::open(program)
            .and_then(|file| file.take(PROGRAM).read_to_end(&mut text))
            .is_ok_and(|_| memchr::memmem::find(&text, variable.as_bytes()).is_some())
}

/// How much of a program is searched: 64 MiB.
const PROGRAM: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_caller_says_wins() {
        let mut profile = Profile::of_command("smtp".into(), Policy::Required, vec!["x".into()]);
        profile.environment.insert("PATH".into(), "not {host}".into());
        let values = Values::of_no_run("/nowhere".into());
        let seen = |profile: &Profile| {
            let surroundings = profile.surroundings(&values).unwrap();
            let named = surroundings.into_iter().rev().find(|(name, _)| name == "PATH");
            named.map(|(_, value)| value.into_string().unwrap())
        };
        assert_eq!(seen(&profile).unwrap(), "not localhost");
        profile.inherit.push("PATH".into());
        assert_eq!(seen(&profile), std::env::var("PATH").ok());
    }

    #[test]
    fn a_driver_that_takes_the_data_carries_it() {
        let mut profile = Profile::of_command("smtp".into(), Policy::Required, vec!["x".into()]);
        assert!(!profile.carries_body() && !profile.is_told_authority());
        profile.drivers.push("smtp-smtplib.py".into());
        assert!(profile.carries_body() && profile.is_told_authority());
    }

    #[test]
    fn a_script_that_is_named_by_its_whole_path_is_read() {
        let place = tempfile::TempDir::new().unwrap();
        let script = place.path().join("mail.rb");
        std::fs::write(&script, "ca = ENV['UPWARD_CA']").unwrap();
        let argv = vec!["ruby".into(), script.to_string_lossy().into_owned()];
        let profile = Profile::of_command("smtp".into(), Policy::Required, argv);
        assert!(profile.is_told_authority() && !profile.carries_body());
    }

    #[test]
    fn an_authority_that_it_is_told_is_in_its_words() {
        let told = |word: &str| {
            let argv = vec!["x".into(), word.into()];
            Profile::of_command("smtp".into(), Policy::Required, argv).is_told_authority()
        };
        assert!(told("--cacert={ca}") && told("echo $UPWARD_CA"));
        assert!(!told("--cacert={{ca}}") && !told("{password}"));
    }
}
