//! Reads a profile strictly; errors have a place.

use std::path::Path;

use upward_model::protocol::{self, PROTOCOLS};

use super::place::{Slip, Step};
use super::{Profile, ProfileError, Source, Trait};
use crate::suggestions::did_you_mean;
use crate::template::{self, TemplateError};

/// Reads a profile from its text; `file` is its name in errors.
///
/// # Errors
///
/// If it is not a valid profile, with place and remedy.
pub fn parse(file: &str, text: &str) -> Result<Profile, ProfileError> {
    read(file, text, Source::Here)
}

/// Reads a profile from a file.
///
/// # Errors
///
/// If the file cannot be read or is not a valid profile, with place and remedy.
pub fn load(path: &Path) -> Result<Profile, ProfileError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| ProfileError::Read { path: path.to_path_buf(), error })?;
    read(&path.display().to_string(), &text, Source::File(path.to_path_buf()))
}

fn read(file: &str, text: &str, source: Source) -> Result<Profile, ProfileError> {
    let mut profile: Profile = toml::from_str(text).map_err(|error| {
        let byte = error.span().map_or(0, |span| span.start);
        let what = error.message().lines().collect::<Vec<_>>().join("; ");
        let help = "`upward clients new NAME -- CMD` writes a profile with each field explained";
        ProfileError::at(file, text, byte, slip(&[], what, help))
    })?;
    profile.source = source;
    let found = slips(&profile).into_iter().map(|slip| (slip.byte(text), slip));
    match found.min_by_key(|(byte, _)| *byte) {
        Some((byte, slip)) => Err(ProfileError::at(file, text, byte, slip)),
        None => Ok(profile),
    }
}

fn slip(path: &[Step], what: impl Into<String>, help: impl Into<String>) -> Slip {
    Slip { path: path.to_vec(), word: String::new(), what: what.into(), help: help.into() }
}

fn key(name: &str) -> Step {
    Step::Key(name.to_owned())
}

/// The errors of a profile whose fields are complete and of the right types.
fn slips(profile: &Profile) -> Vec<Slip> {
    let mut slips = Vec::new();
    if profile.name.trim().is_empty() {
        slips.push(slip(&[key("name")], "the name is empty", "it is what reports call the client"));
    }
    if protocol::by_name(&profile.protocol).is_none() {
        let known: Vec<&str> = PROTOCOLS.iter().map(|protocol| protocol.name).collect();
        let what = format!("unknown protocol `{}`", profile.protocol);
        let meant = did_you_mean(&profile.protocol, known.iter().copied());
        slips.push(slip(&[key("protocol")], what, format!("{meant}one of: {}", known.join(", "))));
    }
    if profile.argv.first().is_none_or(String::is_empty) {
        slips.push(slip(&[key("argv")], "no program to run", "argv = [\"program\", \"argument\"]"));
    }
    if let Some(daemon) = &profile.daemon {
        if daemon.argv.first().is_none_or(String::is_empty) {
            let path = [key("daemon"), key("argv")];
            slips.push(slip(&path, "no program to run", "argv = [\"program\", \"argument\"]"));
        }
        if profile.tells.command.is_empty() {
            let what = "a daemon's program says only that it has handed its work over";
            let help = "[tells] command = [...]: ends with 0 where the work was done";
            slips.push(slip(&[key("daemon")], what, help));
        }
        for (name, sign) in [("ready", &daemon.ready), ("done", &daemon.done)] {
            if sign.output.is_empty() || sign.output.iter().any(String::is_empty) {
                let path = [key("daemon"), key(name)];
                let help = format!("{name} = {{ output = [\"a text that it then writes\"] }}");
                slips.push(slip(&path, "the sign is empty", help));
            }
        }
    }
    if profile.tells.success.is_empty() {
        let path = [key("tells"), key("success")];
        slips.push(slip(&path, "no exit code says success", "success = [0]"));
    }
    slips.extend(places(profile));
    slips.extend(templates(profile));
    slips.extend(names(profile));
    if !profile.announced.is_empty() && profile.documented.trim().is_empty() {
        let what = "something is announced, and nobody is quoted";
        let help = "documented = \"where the client's authors say so, and what they say\"";
        slips.push(slip(&[key("announced")], what, help));
    }
    if profile.announces(Trait::Opportunistic) && profile.announces(Trait::VerifiesNoCertificate) {
        let what = "`opportunistic` says already that no certificate is checked";
        slips.push(slip(&[key("announced")], what, "leave out `verifies-no-certificate`"));
    }
    slips
}

/// Errors in placeholders.
fn templates(profile: &Profile) -> Vec<Slip> {
    let list = |path: &[Step], texts: &[String]| -> Vec<(Vec<Step>, String)> {
        let at = |index| [path, &[Step::Index(index)]].concat();
        texts.iter().enumerate().map(|(index, text)| (at(index), text.clone())).collect()
    };
    let table = |name: &str, texts: &std::collections::BTreeMap<String, String>| {
        let at = |entry: &String| vec![key(name), key(entry)];
        texts.iter().map(|(entry, text)| (at(entry), text.clone())).collect::<Vec<_>>()
    };
    let mut texts = vec![(vec![key("stdin")], profile.stdin.clone())];
    texts.extend(list(&[key("argv")], &profile.argv));
    texts.extend(list(&[key("version")], &profile.version));
    texts.extend(list(&[key("tells"), key("command")], &profile.tells.command));
    if let Some(daemon) = &profile.daemon {
        texts.extend(list(&[key("daemon"), key("argv")], &daemon.argv));
    }
    texts.extend(table("files", &profile.files));
    texts.extend(table("environment", &profile.environment));
    texts
        .into_iter()
        .filter_map(|(path, text)| {
            let error = template::check(&text).err()?;
            let TemplateError::Unknown { name, .. } = &error else { return None };
            let word = format!("{{{name}}}");
            let what = format!("unknown placeholder `{word}`");
            Some(Slip { word, ..slip(&path, what, error.help()) })
        })
        .collect()
}

/// Errors in the port, names and folders for isolation.
fn places(profile: &Profile) -> Vec<Slip> {
    let mut slips = Vec::new();
    if profile.port == Some(0) {
        let help = "the port that it connects to, where it knows no other: port = 25";
        slips.push(slip(&[key("port")], "there is no port 0", help));
    }
    for (index, name) in profile.names.iter().enumerate() {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_name) {
            let what = format!("`{name}` is no name of a machine");
            let help = "letters, digits, `-`, `.` and `_`: names = [\"mail.example.org\"]";
            slips.push(slip(&[key("names"), Step::Index(index)], what, help));
        }
    }
    for (index, folder) in profile.fresh.iter().enumerate() {
        if !folder.is_absolute() {
            let what = format!("folder `{}` is relative", folder.display());
            let help = "name it from the root on: fresh = [\"/var/spool/NAME\"]";
            slips.push(slip(&[key("fresh"), Step::Index(index)], what, help));
        }
    }
    slips
}

/// Errors in the names of files, drivers and variables.
fn names(profile: &Profile) -> Vec<Slip> {
    let mut slips = Vec::new();
    for name in profile.files.keys() {
        if let Err(error) = template::inside(name) {
            slips.push(slip(&[key("files"), key(name)], error.to_string(), error.help()));
        }
    }
    for (index, name) in profile.drivers.iter().enumerate() {
        let path = [key("drivers"), Step::Index(index)];
        if let Err(error) = template::inside(name) {
            slips.push(slip(&path, error.to_string(), "a driver is named without its folder"));
        } else if profile.driver(name).is_none() {
            let what = format!("there is no driver `{name}`");
            let help =
                "it lies in the folder `drivers` beside the profile, or in harness/clients/drivers";
            slips.push(slip(&path, what, help));
        }
    }
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let own = "letters, digits and `_`; those that begin with UPWARD_ are ours";
    for name in profile.environment.keys() {
        if !is_name(name) || name.starts_with("UPWARD_") {
            let what = format!("`{name}` is no name for a variable");
            slips.push(slip(&[key("environment"), key(name)], what, own));
        }
    }
    for (index, name) in profile.inherit.iter().enumerate() {
        if !is_name(name) || name.starts_with("UPWARD_") {
            let what = format!("`{name}` is no name for a variable");
            slips.push(slip(&[key("inherit"), Step::Index(index)], what, own));
        }
    }
    slips
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use upward_model::protocol::PROTOCOLS;

    /// The error, its place, and its help.
    fn said(text: &str) -> String {
        let error = parse("x.toml", text).unwrap_err();
        format!("{error}\n  {}", error.help())
    }

    #[test]
    fn slips_are_found_before_anything_runs() {
        let head = "name = 'x'\nprotocol = 'smtp'\n";
        let mut all = Vec::new();
        for wrong in [
            "argv = ['a', '{hots}']",
            "argv = ['a']\nstdn = ''",
            "argv = ['a'",
            "argv = 'a'",
            "argv = []",
            "",
            "argv = ['a']\nfiles = {'../x' = ''}",
            "argv = ['a']\n[files]\nrc = '''\nhost {hots}\n'''",
            "argv = ['a']\ndrivers = ['no-such-driver']",
            "argv = ['a']\nannounced = ['blind']",
            "argv = ['a']\nannounced = ['deaf']",
            "argv = ['a']\ninherit = ['A=B']",
            "argv = ['a']\n[environment]\nUPWARD_CA = 'x'",
            "argv = ['a']\n[tells]\nsuccess = []",
            "argv = ['a']\n[tells]\nsucces = [1]",
            "argv = ['a']\n[daemon]\nargv = ['b']\nready = { output = ['up'] }",
            "argv = ['a']\n[daemon]\nargv = ['b']\nready = { output = ['up'] }\ndone = { output = [] }",
            "argv = ['a']\n[packages]\nbrew = ['b']",
            "argv = ['a']\nport = 0",
            "argv = ['a']\nport = 65536",
            "argv = ['a']\nnames = ['a.example', 'b c']",
            "argv = ['a']\nfresh = ['var/spool/a']",
        ] {
            all.push(format!("{wrong}\n  {}", said(&format!("{head}{wrong}"))));
        }
        all.push(said("name = ''\nprotocol = 'smpt'\nargv = ['a']"));
        all.push(said("name = 'x'\nprotocol = 'smpt'\nargv = ['a']"));
        // A new protocol must not change the expected text.
        let known: Vec<&str> = PROTOCOLS.iter().map(|protocol| protocol.name).collect();
        let all = all.join("\n\n").replace(&known.join(", "), "[protocols]");
        insta::assert_snapshot!(all.replace(&crate::catalogue::names(), "[protocols]"));
    }

    proptest! {
        #[test]
        fn nothing_that_is_read_makes_it_panic(text in "(?s).{0,200}") {
            let _ = parse("x.toml", &text);
        }

        #[test]
        fn no_field_makes_it_panic(field in "[a-z]{1,12}", value in "[\\[\\]{}'\"a-zé=, ]{0,40}") {
            let head = "name = 'x'\nprotocol = 'smtp'\nargv = ['a']";
            let _ = parse("x.toml", &format!("{head}\n{field} = {value}\n"));
        }
    }
}
