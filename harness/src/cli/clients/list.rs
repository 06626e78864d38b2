//! The bundled clients: their protocols, and whether they are installed.

use std::process::Command;

use crate::cli::names::no_such_client;
use crate::cli::run::present::Present;
use crate::cli::{Failure, protocol};
use crate::profile::{self, Profile};
use crate::template::{CLIENTS, clients};

/// Lists them.
pub(super) async fn list(speaks: Option<&str>) -> Result<u8, Failure> {
    let mut profiles = bundled()?;
    if let Some(name) = speaks {
        let name = protocol(name)?.name;
        profiles.retain(|profile| profile.protocol == name);
    }
    let present = Present::find(profiles.clone()).await;
    let widest = |of: fn(&Profile) -> &String| profiles.iter().map(|p| of(p).len()).max();
    let name = widest(|profile| &profile.name).unwrap_or(0);
    let speaks = widest(|profile| &profile.protocol).unwrap_or(0);
    for profile in &profiles {
        let found = present.there.iter().find(|client| client.profile.name == profile.name);
        let state = match found {
            Some(client) => client.version.clone().unwrap_or_else(|| "installed".to_owned()),
            None => format!("missing: {}", profile.install().join("; ")),
        };
        outln!("{:name$}  {:speaks$}  {state}", profile.name, profile.protocol);
    }
    outln!("\n{} of {} installed", present.there.len(), profiles.len());
    Ok(0)
}

/// Builds one.
pub(super) fn build(name: &str) -> Result<u8, Failure> {
    let profiles = bundled()?;
    let Some(profile) = profiles.iter().find(|profile| profile.name == name) else {
        return Err(no_such_client(name, profiles.iter().map(|profile| profile.name.as_str())));
    };
    let folder = clients();
    let words =
        profile.build.iter().map(|word| word.replace("{clients}", &folder.display().to_string()));
    let words: Vec<String> = words.collect();
    let Some((program, arguments)) = words.split_first() else {
        let how = profile.install().join("; ");
        return Err(Failure::new(format!("`{name}` is not built but installed")).help(how));
    };
    std::fs::create_dir_all(&folder).map_err(|error| Failure::unwritten(&folder, &error))?;
    eprintln!("{}", words.join(" "));
    let status = Command::new(program).args(arguments).status();
    match status {
        Ok(status) if status.success() => Ok(0),
        Ok(status) => Err(Failure::new(format!("building `{name}` failed: {status}"))
            .help(format!("it is built in a checkout of this project, into {CLIENTS}"))),
        Err(error) => Err(Failure::new(format!("failed to start `{program}`: {error}"))
            .help(format!("is it installed? it builds `{name}`"))),
    }
}

fn bundled() -> Result<Vec<Profile>, Failure> {
    profile::bundled().map_err(|error| Failure::from_profile(&error))
}
