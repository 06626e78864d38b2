//! Which programs are run, and how the same is run again.

use std::collections::BTreeMap;

use upward_model::policy::Policy;

use super::Run;
use crate::cli::{Failure, PolicyName};
use crate::profile::{self, Profile};
use crate::template;

impl Run {
    /// The program of the command line.
    pub(super) fn own(&self) -> Result<Profile, Failure> {
        let Some(protocol) = &self.protocol else {
            return Err(Failure::new("which protocol does the program speak?".to_owned())
                .help("say so with --protocol, for example --protocol smtp"));
        };
        let mut files = BTreeMap::new();
        for file in &self.files {
            let Some((name, text)) = file.split_once('=') else {
                return Err(Failure::new(format!("--file {file}: expected NAME=TEMPLATE")));
            };
            files.insert(name.to_owned(), template::unescape(text));
        }
        let policy = self.policy.into();
        let mut profile = Profile::of_command(protocol.clone(), policy, self.command.clone());
        profile.stdin = template::unescape(&self.stdin);
        profile.files = files;
        profile.check().map_err(|error| {
            Failure::new(error.to_string())
                .help(format!("known placeholders: {{{}}}", template::KNOWN.join("} {")))
        })?;
        Ok(profile)
    }

    /// Bundled clients by name.
    pub(super) fn named(&self) -> Result<Vec<Profile>, Failure> {
        let profiles = profile::bundled().map_err(|error| Failure::from_profile(&error))?;
        let names: Vec<String> = profiles.iter().map(|profile| profile.name.clone()).collect();
        let mut chosen = Vec::new();
        for pattern in &self.client {
            let glob = globset::Glob::new(pattern)
                .map_err(|error| Failure::new(format!("--client {pattern}: {error}")))?
                .compile_matcher();
            let found: Vec<Profile> =
                profiles.iter().filter(|profile| glob.is_match(&profile.name)).cloned().collect();
            if found.is_empty() {
                return Err(Failure::new(format!("no bundled client is called `{pattern}`"))
                    .help(format!("there are: {}", names.join(", "))));
            }
            chosen.extend(found);
        }
        Ok(chosen)
    }

    /// The command line that runs one vector again.
    pub(super) fn again(&self, profile: &Profile) -> String {
        if self.command.is_empty() {
            return format!("upward run --client '{}' -f '{{id}}'", profile.name);
        }
        let mut words = vec!["upward".to_owned(), "run".to_owned()];
        words.extend(["--protocol".to_owned(), profile.protocol.clone()]);
        if self.policy != PolicyName::Required {
            words.extend(["--policy".to_owned(), Policy::from(self.policy).name().to_owned()]);
        }
        words.extend(self.files.iter().flat_map(|file| ["--file".to_owned(), quoted(file)]));
        if !self.stdin.is_empty() {
            words.extend(["--stdin".to_owned(), quoted(&self.stdin)]);
        }
        words.extend(["-f".to_owned(), "'{id}'".to_owned(), "--".to_owned()]);
        words.extend(self.command.iter().map(|word| quoted(word)));
        words.join(" ")
    }
}

fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
