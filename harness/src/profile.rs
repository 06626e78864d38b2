//! How a client is started: from the command line, or from a bundled profile.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use upward_model::policy::Policy;

use crate::template::{self, TemplateError};

/// A client under test.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Its name, as in reports.
    pub name: String,
    /// The protocol that it speaks.
    pub protocol: String,
    /// What its user asked for.
    #[serde(default = "required")]
    pub policy: Policy,
    /// The command that prints its version.
    #[serde(default)]
    pub version: Vec<String>,
    /// The Debian package that brings it.
    #[serde(default)]
    pub package: Option<String>,
    /// Program and arguments, with placeholders.
    pub argv: Vec<String>,
    /// What it reads, with placeholders.
    #[serde(default)]
    pub stdin: String,
    /// Files in its directory, with placeholders.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// The port that it connects to, where it knows no other; it is then run in isolation only.
    #[serde(default)]
    pub port: Option<u16>,
    /// Names beside `localhost` that it looks up; in isolation they mean the persona.
    #[serde(default)]
    pub names: Vec<String>,
    /// Folders of the machine that it writes to; in isolation they are empty and its own.
    #[serde(default)]
    pub fresh: Vec<PathBuf>,
    /// What its authors announce: reported as it is, and no surprise.
    #[serde(default)]
    pub announced: Vec<Trait>,
    /// Where they say so, and what they say, in one sentence.
    #[serde(default)]
    pub documented: String,
}

const fn required() -> Policy {
    Policy::Required
}

/// What the authors of a client say about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trait {
    /// It may go on without TLS: under a policy that needs it, it must be found leaking.
    Opportunistic,
    /// It types without reading: what it acted upon cannot be judged.
    Blind,
}

/// What is wrong with a profile.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// It is no profile.
    #[error("{0}")]
    Parse(#[from] toml::de::Error),
    /// Something is announced, and nobody is quoted.
    #[error("`announced` needs `documented`: where the client's authors say so, and what they say")]
    Undocumented,
    /// A placeholder or file name in it is wrong.
    #[error("{0}")]
    Template(#[from] TemplateError),
}

/// The bundled profiles.
const BUNDLED: [&str; 7] = [
    include_str!("../clients/curl.toml"),
    include_str!("../clients/curl-try.toml"),
    include_str!("../clients/msmtp.toml"),
    include_str!("../clients/openssl.toml"),
    include_str!("../clients/python-smtplib.toml"),
    include_str!("../clients/s-nail.toml"),
    include_str!("../clients/swaks-tls-optional.toml"),
];

/// The bundled profiles.
///
/// # Errors
///
/// Where one is malformed, which a test excludes.
pub fn bundled() -> Result<Vec<Profile>, ProfileError> {
    BUNDLED.into_iter().map(parse).collect()
}

/// Reads a profile.
///
/// # Errors
///
/// For anything that is not one, with the place.
pub fn parse(text: &str) -> Result<Profile, ProfileError> {
    let profile: Profile = toml::from_str(text)?;
    profile.check()?;
    if !profile.announced.is_empty() && profile.documented.trim().is_empty() {
        return Err(ProfileError::Undocumented);
    }
    Ok(profile)
}

impl Profile {
    /// Checks placeholders and file names.
    ///
    /// # Errors
    ///
    /// The first that is wrong.
    pub fn check(&self) -> Result<(), TemplateError> {
        for text in self.argv.iter().chain([&self.stdin]).chain(self.files.values()) {
            template::check(text)?;
        }
        for name in self.files.keys() {
            template::inside(name)?;
        }
        Ok(())
    }

    /// Whether it is given data to deliver; else all that it has to protect is its login.
    pub fn carries_body(&self) -> bool {
        self.argv
            .iter()
            .chain([&self.stdin])
            .chain(self.files.values())
            .any(|text| template::check(text).is_ok_and(|used| used.contains(&"body")))
            // A script may take it from its environment.
            || self.files.values().chain(&self.argv).any(|text| text.contains("UPWARD_BODY"))
    }

    /// Whether a trait is announced.
    pub fn announces(&self, announced: Trait) -> bool {
        self.announced.contains(&announced)
    }

    /// Whether its program can be found.
    pub fn is_installed(&self) -> bool {
        let Some(program) = self.argv.first() else { return false };
        if program.contains('/') {
            return std::path::Path::new(program).exists();
        }
        std::env::var_os("PATH").is_some_and(|path| {
            std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn bundled_profiles_are_sound_and_distinct() {
        let profiles = bundled().unwrap();
        let names: BTreeSet<_> = profiles.iter().map(|profile| &profile.name).collect();
        assert_eq!(names.len(), profiles.len());
        assert!(profiles.iter().all(|profile| crate::codec::by_name(&profile.protocol).is_some()));
    }

    #[test]
    fn slips_are_found_before_anything_runs() {
        for wrong in [
            "name = 'x'\nprotocol = 'smtp'\nargv = ['{hots}']",
            "name = 'x'\nprotocol = 'smtp'\nargv = ['a']\nstdn = ''",
            "name = 'x'\nprotocol = 'smtp'\nargv = ['a']\nfiles = {'../x' = ''}",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
