//! A profile to begin with.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use crate::cli::reports::slug;
use crate::cli::{Failure, protocol};
use crate::profile;

/// Writes a profile for a command line.
pub(super) fn new(
    name: &str,
    speaks: &str,
    directory: &Path,
    command: &[String],
) -> Result<u8, Failure> {
    let path = directory.join(format!("{}.toml", slug(name)));
    let text = scaffold(name, protocol(speaks)?.name, command);
    profile::parse(&path.display().to_string(), &text)
        .map_err(|error| Failure::from_profile(&error))?;
    let failed = |error: std::io::Error| {
        let failure = Failure::new(format!("failed to write {}: {error}", path.display()));
        match error.kind() {
            std::io::ErrorKind::AlreadyExists => failure.help("remove it, or take another name"),
            _ => failure,
        }
    };
    let mut file = OpenOptions::new().write(true).create_new(true).open(&path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    let path = path.display();
    outln!("{path}: fill in what is missing, then");
    outln!("  upward clients check --run {path}");
    outln!("  upward run --client {path}");
    Ok(0)
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// The text of a profile.
fn scaffold(name: &str, protocol: &str, command: &[String]) -> String {
    let program = command.first().map_or("", String::as_str);
    let argv: Vec<String> = command.iter().map(|word| format!("    {},\n", quoted(word))).collect();
    TEMPLATE
        .replace("@NAME@", &quoted(name))
        .replace("@PROTOCOL@", &quoted(protocol))
        .replace("@PROGRAM@", &quoted(program))
        .replace("@ARGV@", &argv.concat())
}

/// What is in comments is left out as it stands there.
const TEMPLATE: &str = r#"# A client under test. `upward clients check FILE` says what is wrong here, `--run` also whether it
# delivers to an honest server; `upward run --client FILE` plays the vectors.

# What reports call it.
name = @NAME@
protocol = @PROTOCOL@

# What its user asked for: "required" (TLS by upgrade, or nothing), "implicit" (TLS from the start) or
# "opportunistic" (TLS if offered).
# policy = "required"

# Prints the version. Where this fails, the client counts as not installed.
version = [@PROGRAM@, "--version"]

# What brings it, to tell who does not have it: debian, pypi, npm, crates, go, maven.
# packages.debian = ["a-package"]

# The command that builds it, if it has to be built.
# build = ["make", "client"]

# Program and arguments: no shell, no splitting. It is run in an empty folder, once for each vector.
# Placeholders here, in stdin, files, environment and commands:
#   {host} {ip} {port}         the name in the server's certificate, its address, its port
#   {ca}                       a file with the certificate of the authority to trust
#   {user} {password} {body}   unique to each run, and searched for on the wire
#   {dir}                      the folder of the run, which is also its HOME
#   {clients}                  target/clients, or what UPWARD_CLIENTS says
#   {policy}                   the policy's name
# Each is also a variable: UPWARD_HOST and so on. `{{` and `}}` are braces.
argv = [
@ARGV@]

# What it reads.
# stdin = "Subject: t\n\n{body}\n"

# Files of the folder `drivers` beside this one, put into the run's folder as they are.
# drivers = ["send.py"]

# Variables of the caller that it sees: all others are hidden from it, but PATH, LANG, LC_ALL, TZ and
# LD_LIBRARY_PATH. They win over [environment].
# inherit = ["PYTHONPATH"]

# Whether it wants a terminal in place of pipes; what it reads is typed there.
# terminal = true

# The port that it connects to, where it knows no other: it is then run with --isolate only.
# port = 25

# In isolation (`upward run --isolate`): names beside localhost that mean the server, and folders of
# the machine that are empty and its own; these must be there.
# names = ["mail.example.org"]
# fresh = ["/var/spool/program"]

# What its authors announce, to be expected and not held against it, and where they say so:
# "opportunistic" (goes on without TLS), "blind" (types without reading), "verifies-no-certificate".
# announced = ["blind"]
# documented = "program(1), --option: what it says"

# Variables, with placeholders.
# [environment]
# PROGRAM_CONFIG = "{dir}/rc"

# Files in the run's folder, with placeholders; nobody else can read them.
# [files]
# rc = """
# host {host}
# """

# How its user is told how it fared: the exit codes that say success, and if need be a command that is
# run in the run's folder afterwards, and ends with 0 only if it did.
# [tells]
# success = [0]
# command = ["grep", "-q", "delivered", "log"]

# A program that does the work, where argv only hands it over: it is started first and stays in the
# foreground; argv is run when it has written that it is ready, and it is stopped when it has written
# that it is done, in whatever way.
# [daemon]
# argv = ["programd", "--foreground"]
# ready = { output = ["started"] }
# done = { output = ["sent", "deferred"] }
"#;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::profile::{Profile, parse};

    #[test]
    fn explains_each_field() {
        let text = scaffold("x", "smtp", &["x".to_owned()]);
        let slip = parse("x.toml", &format!("{text}\n[nothing]\n")).unwrap_err().to_string();
        let known = slip.split("expected one of").nth(1).unwrap();
        for field in known.split('`').skip(1).step_by(2) {
            let explained = [format!("{field} ="), format!("[{field}]"), format!("{field}.debian")];
            assert!(explained.iter().any(|text_of| text.contains(text_of)), "{field}");
        }
    }

    /// What is in comments is a profile, too.
    #[test]
    fn is_a_profile_with_and_without_what_is_in_comments() {
        let text = scaffold("x", "smtp", &["x".to_owned()]);
        let is_field = |line: &str| {
            let line = line.trim_start_matches("# ");
            line.contains(" = ")
                || line.starts_with('[')
                || line == "\"\"\""
                || line == "host {host}"
        };
        let whole: Vec<&str> = text
            .lines()
            .map(|line| if is_field(line) { line.trim_start_matches("# ") } else { line })
            .filter(|line| !line.starts_with("drivers"))
            .collect();
        let profile = parse("x.toml", &whole.join("\n")).unwrap();
        assert!(profile.terminal && profile.daemon.is_some() && !profile.files.is_empty());
    }

    proptest! {
        #[test]
        fn keeps_every_word_as_it_is(name in "[^{}]{1,20}", words in prop::collection::vec("[^{}]{1,20}", 1..4)) {
            let Ok(Profile { name: read, argv, .. }) = parse("x.toml", &scaffold(&name, "smtp", &words)) else {
                prop_assert!(name.trim().is_empty());
                return Ok(());
            };
            prop_assert_eq!((read, argv), (name, words));
        }
    }
}
