//! Which programs are run, and how the same is run again.

use std::collections::BTreeMap;

use upward_model::policy::Policy;

use super::Run;
use crate::cli::{Failure, PolicyName};
use crate::process::isolation::Isolation;
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
        let profile = Profile {
            name: self.command.first().cloned().unwrap_or_default(),
            protocol: protocol.clone(),
            policy: self.policy.into(),
            version: Vec::new(),
            package: None,
            argv: self.command.clone(),
            stdin: template::unescape(&self.stdin),
            files,
            port: None,
            names: Vec::new(),
            fresh: Vec::new(),
            announced: Vec::new(),
            documented: String::new(),
        };
        profile.check().map_err(|error| {
            Failure::new(error.to_string())
                .help(format!("known placeholders: {{{}}}", template::KNOWN.join("} {")))
        })?;
        Ok(profile)
    }

    /// Bundled clients by name.
    pub(super) fn named(&self) -> Result<Vec<Profile>, Failure> {
        let profiles = profile::bundled().map_err(|error| Failure::new(error.to_string()))?;
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
            let isolate: String = self.isolating().iter().map(|word| format!(" {word}")).collect();
            return format!("upward run{isolate} --client '{}' -f '{{id}}'", profile.name);
        }
        let mut words = vec!["upward".to_owned(), "run".to_owned()];
        words.extend(["--protocol".to_owned(), profile.protocol.clone()]);
        if self.policy != PolicyName::Required {
            words.extend(["--policy".to_owned(), Policy::from(self.policy).name().to_owned()]);
        }
        words.extend(self.isolating());
        words.extend(self.files.iter().flat_map(|file| ["--file".to_owned(), quoted(file)]));
        if !self.stdin.is_empty() {
            words.extend(["--stdin".to_owned(), quoted(&self.stdin)]);
        }
        words.extend(["-f".to_owned(), "'{id}'".to_owned(), "--".to_owned()]);
        words.extend(self.command.iter().map(|word| quoted(word)));
        words.join(" ")
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

fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
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

/// The first line that a program prints about its version.
pub(super) fn version(command: &[String]) -> Option<String> {
    let (program, arguments) = command.split_first()?;
    let output = std::process::Command::new(program)
        .args(arguments)
        .stdin(std::process::Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().next().unwrap_or_default().trim();
    (!line.is_empty()).then(|| line.chars().take(60).collect())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Cli {
        #[command(flatten)]
        run: Run,
    }

    fn isolated(options: &[&str], profile: &str) -> Result<Option<Isolation>, String> {
        let run = Cli::try_parse_from([&["upward"], options].concat()).unwrap().run;
        let text = format!("name = 'x'\nprotocol = 'smtp'\nargv = ['x']\n{profile}");
        isolation(&run, &profile::parse(&text).unwrap()).map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_port_of_its_own_needs_isolation() {
        let error = isolated(&[], "port = 25").unwrap_err();
        assert!(error.contains("x knows port 25 only") && error.contains("--isolate"), "{error}");
        assert_eq!(isolated(&[], ""), Ok(None));
        let port = |options: &[&str], profile| isolated(options, profile).unwrap().unwrap().port;
        assert_eq!(port(&["--isolate"], ""), PORT);
        assert_eq!(port(&["--isolate"], "port = 25"), 25);
        assert_eq!(port(&["--isolate", "--port", "26"], "port = 25"), 26);
    }

    #[test]
    fn folders_are_named_from_the_root_on() {
        let isolation = isolated(&["--isolate", "--fresh", "/b"], "fresh = ['/a']").unwrap();
        assert_eq!(isolation.unwrap().fresh, [Path::new("/a"), Path::new("/b")]);
        assert!(isolated(&["--isolate", "--fresh", "b"], "").unwrap_err().contains("relative"));
    }

    #[test]
    fn the_same_is_isolated_again() {
        let options = ["--isolate", "--port", "25", "--fresh", "/a b"];
        let run = Cli::try_parse_from([&["upward"], &options[..]].concat()).unwrap().run;
        assert_eq!(run.isolating(), ["--isolate", "--port", "25", "--fresh", "'/a b'"]);
    }
}
