//! `upward run`: vectors against a program.

mod main_job;
pub(super) mod present;
mod progress;
mod table;
mod whom;
mod written;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::MultiProgress;
use tokio::sync::watch;
use upward_model::vector::{Tier, Vector};

use crate::cli::{Failure, PolicyName, TierName, protocol};
use crate::profile::Profile;
use crate::report::{self, Detail, Report, Row};
use crate::suite::{self, Job};
use crate::vectors::{self, Selection};

use self::present::{Client, Present};
use self::table::Table;

/// Runs vectors against a program; alone, proves the manual's protocol and plays `smoke` against
/// every bundled client that is installed.
///
/// Placeholders in CMD, --file and --stdin: {host} {ip} {port} {ca} {dir} {user} {password} {body}
/// {policy} {clients}. {user}, {password} and {body} are unique to each run and searched for on the wire.
/// The command is run as it is: no shell, no splitting.
#[derive(Args, Clone, Debug)]
pub(super) struct Run {
    /// The protocol that the program speaks.
    #[arg(short, long)]
    protocol: Option<String>,
    /// What the program's user asked for.
    #[arg(long, value_enum, default_value_t = PolicyName::Required)]
    policy: PolicyName,
    /// A bundled client by its name, a pattern of names, or the path of a profile; several times for
    /// several. `upward clients` lists them; --protocol takes some of them.
    #[arg(long, value_name = "NAME|FILE", conflicts_with = "command")]
    client: Vec<String>,
    /// Every bundled client that is installed.
    #[arg(long, conflicts_with_all = ["client", "command"])]
    all: bool,
    /// What is done about a client that is not installed [default: skip with --all, else fail].
    #[arg(long, value_enum)]
    missing: Option<present::Missing>,
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
    #[arg(skip)]
    bars: MultiProgress,
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
        if self.command.is_empty() && self.client.is_empty() && !self.all {
            if self.protocol.is_some() || !self.files.is_empty() {
                return Err(Failure::new("no program to run".to_owned())
                    .help("put it behind `--`, or name a bundled one with --client"));
            }
            return self.main_job(stop).await;
        }
        let tier = self.tier(TierName::Standard);
        let present = if self.command.is_empty() {
            self.present(self.selected(self.chosen()?, tier)?).await?
        } else {
            Present::of_command(self.own()?)
        };
        let detail = if self.all { Detail::Brief } else { Detail::All };
        let mut table = Table::default();
        let mut codes = Vec::new();
        for client in present.there {
            let began = Instant::now();
            let report = match self.one(client, tier, stop).await {
                Ok(report) => report,
                // What can be said of the others is said.
                Err(failure) if self.all && !*stop.borrow() => {
                    eprintln!("{failure}");
                    codes.push(failure.code);
                    continue;
                }
                Err(failure) => return Err(failure),
            };
            // Neither a full disk nor a closed pipe takes the other's results away.
            let written =
                writers.iter().try_for_each(|(format, path)| written::write(format, path, &report));
            out!("{}", report::summary(&report, self.strict, detail));
            written?;
            table.add(&report, began.elapsed());
            codes.push(report.exit_code(self.strict));
            if self.all {
                outln!();
            }
            if report.interrupted {
                break;
            }
        }
        if self.all {
            out!("{table}");
        }
        if !present.missing.is_empty() {
            outln!("\nnot installed, and so not run: {}", present.missing.join(", "));
        }
        if codes.is_empty() {
            codes.push(NOTHING);
        }
        Ok(worst(&codes))
    }

    fn tier(&self, default: TierName) -> Tier {
        self.tier.unwrap_or(default).into()
    }

    /// The vectors that are meant for a client.
    fn vectors(&self, profile: &Profile, tier: Tier) -> Result<Vec<Vector>, Failure> {
        let name = protocol(&profile.protocol)?.name;
        let selection = Selection {
            patterns: self.filter.clone(),
            tier: Some(tier),
            policy: Some(profile.policy),
        };
        selection.of(self.load(name)?).map_err(|error| Failure::new(error.to_string()))
    }

    /// Those clients for which any vector is meant.
    fn selected(&self, profiles: Vec<Profile>, tier: Tier) -> Result<Vec<Profile>, Failure> {
        let mut selected = Vec::new();
        for profile in profiles {
            if !self.vectors(&profile, tier)?.is_empty() {
                selected.push(profile);
            }
        }
        if selected.is_empty() { Err(nothing_selected()) } else { Ok(selected) }
    }

    async fn one(
        &self,
        client: Client,
        tier: Tier,
        stop: &watch::Receiver<bool>,
    ) -> Result<Report, Failure> {
        let Client { profile, version } = client;
        let chosen = self.vectors(&profile, tier)?;
        if chosen.is_empty() {
            return Err(nothing_selected());
        }
        let job = Job {
            protocol: protocol(&profile.protocol)?,
            policy: profile.policy,
            again: self.again(&profile),
            directory: self.directory.join(slug(&profile.name)),
            vectors: chosen,
            profile,
            jobs: self.jobs.unwrap_or_else(cores),
            deadline: Duration::from_secs(self.deadline),
        };
        let bar = progress::bar(&self.bars, &job);
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

fn nothing_selected() -> Failure {
    Failure::new("no vector is selected".to_owned())
        .code(NOTHING)
        .help("`upward vectors list` shows the ids that -f can name")
}

/// The exit code where nothing can be said.
const NOTHING: u8 = 3;

/// An interruption beats all, 1 beats 2, 2 beats 3, and 3 beats 0.
fn worst(codes: &[u8]) -> u8 {
    [report::INTERRUPTED, 1, 2, NOTHING].into_iter().find(|code| codes.contains(code)).unwrap_or(0)
}

/// How many programs run at once, unless somebody says so.
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get)
}

/// A name as that of a file or folder.
pub(super) fn slug(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' }).collect()
}
