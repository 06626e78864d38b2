//! `upward run`: vectors against a program.

mod main_job;
mod progress;
mod whom;
mod written;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use tokio::sync::watch;
use upward_model::vector::{Tier, Vector};

use crate::cli::{Failure, PolicyName, TierName, protocol};
use crate::profile::Profile;
use crate::report::{self, Detail, Report, Row};
use crate::suite::{self, Job};
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
    /// Give each run a network of its own, in which there is nobody but the server: nothing leaves the
    /// machine, and a port or a folder that the program insists on is its own. Needs no root.
    #[arg(long)]
    isolate: bool,
    /// The port of the server, for a program that knows no other.
    #[arg(long, requires = "isolate", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// A folder of the machine that is empty for each run, and its own; it must be there.
    #[arg(long, requires = "isolate", value_name = "FOLDER")]
    fresh: Vec<PathBuf>,
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
        let code = runtime.block_on(async {
            crate::process::adopt();
            let (stop, stopped) = watch::channel(false);
            tokio::spawn(async move {
                if tokio::signal::ctrl_c().await.is_ok() {
                    eprintln!("interrupted: the programs under test are being ended");
                    let _ = stop.send(true);
                }
            });
            self.all(&stopped).await
        });
        // Asking a program for its version may have started something, too.
        crate::process::end_adopted();
        code
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
                writers.iter().try_for_each(|(format, path)| written::write(format, path, &report));
            out!("{}", report::summary(&report, self.strict, Detail::All));
            written?;
            codes.push(report.exit_code(self.strict));
            if report.interrupted {
                break;
            }
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
        let isolation = whom::isolation(self, &profile)?;
        let version = whom::version(&profile.version);
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
            keeper: PathBuf::from("/proc/self/exe"),
            isolation,
        };
        let bar = progress::bar(&job);
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
}

/// An interruption beats all, 1 beats 3, and 3 beats 0.
fn worst(codes: &[u8]) -> u8 {
    [report::INTERRUPTED, 1, 3].into_iter().find(|code| codes.contains(code)).unwrap_or(0)
}

fn slug(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' }).collect()
}
