//! `upward run`: vectors against a program.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::watch;
use upward_model::policy::Policy;
use upward_model::vector::{Tier, Vector};

use crate::cli::{Failure, PolicyName, TierName, protocol};
use crate::profile::{self, Profile};
use crate::report::{self, Detail, Report, Row};
use crate::suite::{self, Job};
use crate::template;
use crate::vectors::{self, Selection};

/// Runs vectors against a program; alone, proves the manual's protocol and plays `smoke` against
/// every bundled client that is installed.
///
/// Placeholders in CMD, --file and --stdin: {host} {ip} {port} {ca} {dir} {user} {password} {body}
/// {policy}. {user}, {password} and {body} are unique to each run and searched for on the wire.
/// The command is run as it is: no shell, no splitting.
#[derive(Args, Clone, Debug)]
pub(super) struct Run {
    /// The protocol that the program speaks.
    #[arg(short, long)]
    protocol: Option<String>,
    /// What the program's user asked for.
    #[arg(long, value_enum, default_value_t = PolicyName::Required)]
    policy: PolicyName,
    /// A bundled client by its name, or a pattern of names; several times for several.
    #[arg(long)]
    client: Vec<String>,
    /// Only vectors whose id matches this pattern, of every tier.
    #[arg(short, long)]
    filter: Vec<String>,
    /// How many vectors: `smoke` shows each flaw once, `standard` plays each attack in each state,
    /// `full` in all wordings.
    #[arg(long, value_enum)]
    tier: Option<TierName>,
    /// How many programs run at once.
    #[arg(short, long)]
    jobs: Option<usize>,
    /// A file in the program's directory, with `\n`, `\r`, `\t` and placeholders.
    #[arg(long = "file", value_name = "NAME=TEMPLATE")]
    files: Vec<String>,
    /// What the program reads, with `\n`, `\r`, `\t` and placeholders.
    #[arg(long, default_value = "")]
    stdin: String,
    /// Seconds that the program may run.
    #[arg(long, default_value_t = 20)]
    deadline: u64,
    /// Let `should` properties fail, too.
    #[arg(long)]
    strict: bool,
    /// A further report: json=FILE or junit=FILE; `-` for standard output.
    #[arg(long = "report", value_name = "FORMAT=FILE")]
    reports: Vec<String>,
    /// A file of vectors in place of the committed ones.
    #[arg(long)]
    vectors: Option<PathBuf>,
    /// Where runs leave their files.
    #[arg(long, default_value = "target/upward")]
    directory: PathBuf,
    /// The program and its arguments.
    #[arg(last = true)]
    command: Vec<String>,
}

impl Run {
    /// Runs, and returns the exit code.
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::new(format!("failed to start: {error}")))?;
        runtime.block_on(async {
            let (stop, stopped) = watch::channel(false);
            tokio::spawn(async move {
                if tokio::signal::ctrl_c().await.is_ok() {
                    eprintln!("interrupted: the programs under test are being ended");
                    let _ = stop.send(true);
                }
            });
            self.all(&stopped).await
        })
    }

    async fn all(&self, stop: &watch::Receiver<bool>) -> Result<u8, Failure> {
        let writers = self.writers()?;
        if self.command.is_empty() && self.client.is_empty() {
            if self.protocol.is_some() || !self.files.is_empty() {
                return Err(Failure::new("no program to run".to_owned())
                    .help("put it behind `--`, or name a bundled one with --client"));
            }
            return self.main_job(stop).await;
        }
        let profiles = if self.command.is_empty() { self.named()? } else { vec![self.own()?] };
        let mut codes = Vec::new();
        for profile in profiles {
            let report = self.one(profile, self.tier(TierName::Standard), stop).await?;
            // Neither a full disk nor a closed pipe takes the other's results away.
            let written =
                writers.iter().try_for_each(|(format, path)| write(format, path, &report));
            out!("{}", report::summary(&report, self.strict, Detail::All));
            written?;
            codes.push(report.exit_code(self.strict));
            if report.interrupted {
                break;
            }
        }
        Ok(worst(&codes))
    }

    /// What `upward run` does alone.
    async fn main_job(&self, stop: &watch::Receiver<bool>) -> Result<u8, Failure> {
        let mut codes = vec![crate::cli::builtin::prove_and_play().await?];
        let profiles = profile::bundled().map_err(|error| Failure::new(error.to_string()))?;
        let mut missing = Vec::new();
        for profile in profiles {
            if !profile.is_installed() {
                missing.push(match &profile.package {
                    Some(package) => format!("{} (Debian package {package})", profile.name),
                    None => profile.name,
                });
                continue;
            }
            let report = self.one(profile, self.tier(TierName::Smoke), stop).await?;
            outln!();
            out!("{}", report::summary(&report, self.strict, Detail::Brief));
            codes.push(report.exit_code(self.strict));
            if report.interrupted {
                break;
            }
        }
        if !missing.is_empty() {
            outln!("\nnot installed, and so not run: {}", missing.join(", "));
        }
        Ok(worst(&codes))
    }

    fn tier(&self, default: TierName) -> Tier {
        self.tier.unwrap_or(default).into()
    }

    async fn one(
        &self,
        profile: Profile,
        tier: Tier,
        stop: &watch::Receiver<bool>,
    ) -> Result<Report, Failure> {
        let protocol = protocol(&profile.protocol)?;
        let policy = if self.command.is_empty() { profile.policy } else { self.policy.into() };
        let selection =
            Selection { patterns: self.filter.clone(), tier: Some(tier), policy: Some(policy) };
        let chosen =
            selection.of(self.load(protocol.name)?).map_err(|e| Failure::new(e.to_string()))?;
        if chosen.is_empty() {
            return Err(Failure::new("no vector is selected".to_owned())
                .code(3)
                .help("`upward vectors list` shows the ids that -f can name"));
        }
        let version = version(&profile.version);
        let job = Job {
            protocol,
            policy,
            again: self.again(&profile),
            directory: self.directory.join(slug(&profile.name)),
            vectors: chosen,
            profile,
            jobs: self.jobs.unwrap_or_else(|| {
                std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get)
            }),
            deadline: Duration::from_secs(self.deadline),
        };
        let bar = bar(&job);
        let done = |row: &Row| {
            bar.inc(1);
            bar.set_message(row.vector.id.clone());
        };
        let report = suite::run(&job, &done, stop).await;
        bar.finish_and_clear();
        let mut report = report.map_err(|error| Failure::from_suite(&error, &job))?;
        report.version = version;
        Ok(report)
    }

    fn load(&self, protocol: &str) -> Result<Vec<Vector>, Failure> {
        let file = match &self.vectors {
            Some(path) => vectors::load(path),
            None => vectors::committed(protocol),
        };
        file.map(|file| file.vectors).map_err(|error| Failure::new(error.to_string()))
    }

    /// The program of the command line.
    fn own(&self) -> Result<Profile, Failure> {
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
    fn named(&self) -> Result<Vec<Profile>, Failure> {
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

    fn writers(&self) -> Result<Vec<(String, PathBuf)>, Failure> {
        self.reports
            .iter()
            .map(|report| match report.split_once('=') {
                Some((format @ ("json" | "junit"), path)) if !path.is_empty() => {
                    Ok((format.to_owned(), PathBuf::from(path)))
                }
                _ => Err(Failure::new(format!(
                    "--report {report}: expected json=FILE or junit=FILE"
                ))),
            })
            .collect()
    }

    /// The command line that runs one vector again.
    fn again(&self, profile: &Profile) -> String {
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

fn slug(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' }).collect()
}

/// An interruption beats all, 1 beats 3, and 3 beats 0.
fn worst(codes: &[u8]) -> u8 {
    [report::INTERRUPTED, 1, 3].into_iter().find(|code| codes.contains(code)).unwrap_or(0)
}

/// The first line that a program prints about its version.
fn version(command: &[String]) -> Option<String> {
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

fn bar(job: &Job) -> ProgressBar {
    let length = u64::try_from(job.vectors.len()).unwrap_or_default();
    if !std::io::stderr().is_terminal() {
        eprintln!("{}: {}", job.profile.name, report::vectors(job.vectors.len()));
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len} {wide_msg}");
    let bar = ProgressBar::new(length).with_prefix(job.profile.name.clone());
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn write(format: &str, path: &PathBuf, report: &Report) -> Result<(), Failure> {
    let text = match format {
        "json" => serde_json::to_string_pretty(&report::Results::from(report))
            .map_err(|error| Failure::new(error.to_string()))?,
        _ => report::to_junit(report).map_err(|error| Failure::new(error.to_string()))?,
    };
    if path.as_os_str() == "-" {
        outln!("{text}");
        return Ok(());
    }
    std::fs::write(path, text + "\n")
        .map_err(|error| Failure::new(format!("failed to write {}: {error}", path.display())))
}
