//! Which programs are run, and the command that runs the same again.

use std::path::Path;

use upward_model::policy::Policy;

use super::{DEADLINE, DIRECTORY, Run};
use crate::cli::names::{no_such_client, script};
use crate::cli::{Failure, PolicyName, protocol};
use crate::process::isolation::Isolation;
use crate::profile::{self, Profile};
use crate::shell::{itself, quoted};

impl Run {
    /// The program of the command line.
    pub(super) fn own(&self) -> Result<Profile, Failure> {
        let Some(protocol) = &self.protocol else {
            return Err(Failure::new("which protocol does the program speak?".to_owned())
                .help("say so with --protocol, for example --protocol smtp"));
        };
        let (speaks, policy) = (crate::cli::protocol(protocol)?.name, self.policy().into());
        let argv = from_here(&self.command);
        let mut profile = Profile::of_command(speaks.to_owned(), policy, argv);
        profile.name = self.name.clone().unwrap_or_else(|| called(&self.command));
        profile.files = self.reads.files()?;
        profile.stdin = self.reads.stdin()?;
        profile.output_is_data = self.reads.output_is_data;
        profile.check().map_err(|error| Failure::new(error.to_string()).help(error.help()))?;
        Ok(profile)
    }

    /// The clients that are named, or all.
    pub(super) fn chosen(&self) -> Result<Vec<Profile>, Failure> {
        let profiles = profile::bundled().map_err(|error| Failure::from_profile(&error))?;
        let mut chosen = if self.all { profiles } else { self.named(&profiles)? };
        if let Some(name) = &self.protocol {
            let protocol = protocol(name)?;
            chosen.retain(|profile| profile.protocol == protocol.name);
            if chosen.is_empty() {
                let what = format!("no client that is meant speaks {}", protocol.name);
                return Err(Failure::new(what).help("`upward clients` says what each speaks"));
            }
        }
        Ok(chosen)
    }

    /// Bundled clients by name, and others by the path of their profile.
    fn named(&self, profiles: &[Profile]) -> Result<Vec<Profile>, Failure> {
        let mut chosen: Vec<Profile> = Vec::new();
        for pattern in &self.client {
            if is_path(pattern) {
                let profile = profile::load(Path::new(pattern));
                chosen.push(profile.map_err(|error| Failure::from_profile(&error))?);
                continue;
            }
            let glob = globset::Glob::new(pattern)
                .map_err(|error| Failure::new(format!("--client {pattern}: {error}")))?
                .compile_matcher();
            let is_meant = |profile: &&Profile| glob.is_match(&profile.name);
            let found: Vec<&Profile> = profiles.iter().filter(is_meant).collect();
            if found.is_empty() {
                let known = profiles.iter().map(|profile| profile.name.as_str());
                return Err(no_such_client(pattern, known));
            }
            for profile in found {
                if !chosen.contains(profile) {
                    chosen.push(profile.clone());
                }
            }
        }
        Ok(chosen)
    }

    /// The command line that runs one vector again.
    pub(super) fn again(&self, profile: &Profile) -> String {
        let mut words = vec![itself(), "run".to_owned()];
        words.extend(self.isolating());
        words.extend(self.circumstances());
        if self.command.is_empty() {
            let path = self.client.iter().find(|name| {
                is_path(name) && profile::load(Path::new(name)).is_ok_and(|own| own == *profile)
            });
            let name = path.unwrap_or(&profile.name);
            words.extend(["--client".to_owned(), quoted(name)]);
            words.extend(["-f".to_owned(), "'{id}'".to_owned()]);
            return words.join(" ");
        }
        words.extend(["--protocol".to_owned(), profile.protocol.clone()]);
        if self.policy() != PolicyName::Required {
            words.extend(["--policy".to_owned(), Policy::from(self.policy()).name().to_owned()]);
        }
        words.extend(self.name.iter().flat_map(|name| ["--name".to_owned(), quoted(name)]));
        words.extend(self.reads.options().iter().map(|word| quoted(word)));
        words.extend(["-f".to_owned(), "'{id}'".to_owned(), "--".to_owned()]);
        words.extend(self.command.iter().map(|word| quoted(word)));
        words.join(" ")
    }

    fn policy(&self) -> PolicyName {
        self.policy.unwrap_or(PolicyName::Required)
    }

    /// The options on which the result of a vector may hang, and where its files are.
    fn circumstances(&self) -> Vec<String> {
        let path = |name: &str, path: &Path| [name.to_owned(), quoted(&path.to_string_lossy())];
        let deadline = (self.deadline != DEADLINE)
            .then(|| ["--deadline".to_owned(), self.deadline.to_string()]);
        let patience = self.patience.map(|seconds| ["--patience".to_owned(), seconds.to_string()]);
        let vectors = self.vectors.as_ref().map(|file| path("--vectors", file));
        let directory =
            (self.directory != Path::new(DIRECTORY)).then(|| path("--directory", &self.directory));
        let mut words: Vec<String> =
            [deadline, patience, vectors, directory].into_iter().flatten().flatten().collect();
        if self.strict {
            words.push("--strict".to_owned());
        }
        words
    }

    /// The options that isolate a client.
    fn isolating(&self) -> Vec<String> {
        if !self.isolate {
            return Vec::new();
        }
        let port = self.port.iter().flat_map(|port| ["--port".to_owned(), port.to_string()]);
        let fresh = self.fresh.iter().map(|folder| quoted(&folder.to_string_lossy()));
        let fresh = fresh.flat_map(|folder| ["--fresh".to_owned(), folder]);
        std::iter::once("--isolate".to_owned()).chain(port).chain(fresh).collect()
    }
}

/// What a program is called that has no other name: as it was started; a script with what reads it, so
/// that two scripts have two names.
fn called(command: &[String]) -> String {
    let words: Vec<&str> =
        command.iter().take(1).chain(script(command)).map(String::as_str).collect();
    words.join(" ")
}

/// A command whose program is found from the caller's folder: it runs in another one.
fn from_here(command: &[String]) -> Vec<String> {
    let mut argv = command.to_vec();
    if let Some(program) = argv.first_mut()
        && program.contains('/')
        && let Ok(place) = std::path::absolute(&*program)
        && place.exists()
    {
        *program = place.to_string_lossy().into_owned();
    }
    argv
}

/// Whether a client is named by the path of its profile.
fn is_path(name: &str) -> bool {
    name.ends_with(".toml")
}

/// How a client is isolated, where it is asked for.
pub(super) fn isolation(run: &Run, profile: &Profile) -> Result<Option<Isolation>, Failure> {
    if !run.isolate {
        return match profile.port {
            Some(port) => Err(Failure::new(format!("{} knows port {port} only", profile.name))
                .help("run it with --isolate: then each run has its ports to itself")),
            None => Ok(None),
        };
    }
    let fresh: Vec<_> = profile.fresh.iter().chain(&run.fresh).cloned().collect();
    if let Some(folder) = fresh.iter().find(|folder| !folder.is_absolute()) {
        let what = format!("folder {} of {} is relative", folder.display(), profile.name);
        return Err(Failure::new(what).help("name it from the root on: /var/spool/NAME"));
    }
    let port = run.port.or(profile.port).unwrap_or(PORT);
    Ok(Some(Isolation { port, names: profile.names.clone(), fresh }))
}

/// The port of a persona that has all ports to itself, where the client knows any.
const PORT: u16 = 2525;
