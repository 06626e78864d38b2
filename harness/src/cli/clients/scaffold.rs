//! The first version of a profile.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use upward_model::policy::Policy;

use crate::cli::Failure;
use crate::cli::names::script;
use crate::cli::reports::slug;
use crate::process::Keeper;
use crate::profile::{self, Installed, Profile};
use crate::shell::{itself, quoted};

/// What a profile begins with.
pub(super) struct Begun<'a> {
    /// What reports call the client.
    pub(super) name: &'a str,
    pub(super) protocol: &'a str,
    pub(super) policy: Policy,
    /// Files in its folder, by name.
    pub(super) files: BTreeMap<String, String>,
    /// What it reads.
    pub(super) stdin: String,
    /// Whether it writes nothing but data to its standard output.
    pub(super) output_is_data: bool,
    pub(super) command: &'a [String],
    /// Whether `--version` makes it print that.
    pub(super) version: bool,
}

/// Whether a program ends well where it is asked for its version. That of what reads a script is not the
/// script's.
pub(super) async fn tells_its_version(command: &[String]) -> bool {
    if script(command).is_some() {
        return false;
    }
    let argv: Vec<String> = command.iter().take(1).cloned().collect();
    let mut asked = Profile::of_command(String::new(), Policy::Required, argv.clone());
    asked.version = [argv, vec!["--version".to_owned()]].concat();
    matches!(profile::probe(&asked, &Keeper::itself()).await, Installed::Yes(_))
}

impl Begun<'_> {
    /// Writes it into a folder.
    pub(super) fn write(&self, directory: &Path) -> Result<u8, Failure> {
        let path = directory.join(format!("{}.toml", slug(self.name)));
        let text = self.text();
        profile::parse(&path.display().to_string(), &text)
            .map_err(|error| Failure::from_profile(&error))?;
        let failed = |error: std::io::Error| {
            let failure = Failure::unwritten(&path, &error);
            match error.kind() {
                std::io::ErrorKind::AlreadyExists => {
                    failure.help("remove it, or take another name")
                }
                _ => failure,
            }
        };
        let mut file =
            OpenOptions::new().write(true).create_new(true).open(&path).map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        let path = path.display();
        outln!("{path}: each field is explained there; then");
        let (upward, path) = (itself(), quoted(&path.to_string()));
        outln!("  {upward} clients check --run {path}");
        outln!("  {upward} run --client {path}");
        Ok(0)
    }

    /// The text of the profile: what was not said is there as a comment.
    fn text(&self) -> String {
        let fields = TEMPLATE.split('@').enumerate();
        fields
            .map(|(at, part)| if at % 2 == 0 { part.to_owned() } else { self.field(part) })
            .collect()
    }

    /// What stands between two `@` of the template.
    fn field(&self, name: &str) -> String {
        match name {
            "name" => string(self.name),
            "protocol" => string(self.protocol),
            "policy" if self.policy == Policy::Required => r#"# policy = "required""#.to_owned(),
            "policy" => format!("policy = {}", string(self.policy.name())),
            "version" if !self.version => r#"# version = ["program", "--version"]"#.to_owned(),
            "version" => {
                let program = string(self.command.first().map_or("", String::as_str));
                format!("version = [{program}, \"--version\"]")
            }
            "argv" => self.command.iter().map(|word| format!("    {},\n", string(word))).collect(),
            "stdin" if self.stdin.is_empty() => STDIN.to_owned(),
            "stdin" => format!("stdin = {}", string(&self.stdin)),
            "output" if self.output_is_data => "output_is_data = true".to_owned(),
            "output" => "# output_is_data = true".to_owned(),
            "files" => self.files(),
            other => other.to_owned(),
        }
    }

    /// The table of files, or an example of one.
    fn files(&self) -> String {
        if self.files.is_empty() {
            return FILES.to_owned();
        }
        let files = self.files.iter().map(|(name, text)| (name.clone(), text.as_str().into()));
        toml::Table::from_iter([("files".to_owned(), files.collect::<toml::Table>().into())])
            .to_string()
    }
}

fn string(text: &str) -> String {
    toml::Value::from(text).to_string()
}

const STDIN: &str = r#"# stdin = "Subject: t\n\n{body}\n""#;

const FILES: &str = r#"# [files]
# rc = """
# host {host}
# """
"#;

/// What is in comments is left out as it stands there.
const TEMPLATE: &str = r#"# A client under test. `upward clients check FILE` says what is wrong here, `--run` also whether it
# delivers to an honest server; `upward run --client FILE` plays the vectors.

# What reports call it.
name = @name@
protocol = @protocol@

# What its user asked for: "required" (TLS by upgrade, or nothing), "implicit" (TLS from the start) or
# "opportunistic" (TLS if offered).
@policy@

# Prints the version. Where this fails, the client counts as not installed; where it is left out, its
# program has to be there.
@version@

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
@argv@]

# What it reads.
@stdin@

# Files of the folder `drivers` beside this one, put into the run's folder as they are.
# drivers = ["send.py"]

# Variables of the caller that it sees: all others are hidden from it, but PATH, LANG, LC_ALL, TZ and
# LD_LIBRARY_PATH. They win over [environment].
# inherit = ["PYTHONPATH"]

# Whether it wants a terminal in place of pipes; what it reads is typed there.
# terminal = true

# Whether it writes nothing but data from the server to its standard output.
@output@

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
@files@
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
    use crate::profile::parse;

    fn begun<'a>(name: &'a str, command: &'a [String]) -> Begun<'a> {
        Begun {
            name,
            protocol: "smtp",
            policy: Policy::Required,
            files: BTreeMap::new(),
            stdin: String::new(),
            output_is_data: false,
            command,
            version: true,
        }
    }

    #[test]
    fn explains_each_field() {
        let text = begun("x", &["x".to_owned()]).text();
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
        let text = begun("x", &["x".to_owned()]).text();
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
        fn keeps_what_is_said_as_it_is(
            name in "[^{}]{1,20}",
            words in prop::collection::vec("[^{}]{1,20}", 1..4),
            (file, text) in ("[^{}/]{1,20}", "[^{}]{0,40}"),
            stdin in "[^{}]{0,40}",
            policy in prop::sample::select(Policy::ALL.to_vec()),
            version: bool,
        ) {
            let files = BTreeMap::from([(file, text)]);
            let begun = Begun { policy, files, stdin, version, ..begun(&name, &words) };
            let Ok(read) = parse("x.toml", &begun.text()) else {
                let of_file = begun.files.keys().all(|file| crate::template::inside(file).is_err());
                prop_assert!(name.trim().is_empty() || of_file);
                return Ok(());
            };
            prop_assert_eq!((read.name, read.argv), (name.clone(), words.clone()));
            prop_assert_eq!((read.files, read.stdin), (begun.files, begun.stdin));
            prop_assert_eq!((read.policy, read.version.is_empty()), (policy, !version));
        }
    }
}
