//! `upward run`: plays vectors against a program.

mod main_job;
pub(super) mod present;
mod progress;
mod table;
mod which;
mod whom;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::MultiProgress;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use upward_model::vector::Tier;

use crate::cli::reads::Reads;
use crate::cli::reports::{self, Reports, Writers, slug};
use crate::cli::{Failure, PolicyName, TierName, protocol, worst};
use crate::process::Keeper;
use crate::report::{self, Detail};
use crate::results::{Results, Row, Selected, Setup};
use crate::shard::Shard;
use crate::suite::{self, Job};
use crate::waiver::{self, Pattern, Universe, WaiverError, Waivers};

use self::present::{InstalledClient, Present};
use self::table::Table;
use self::which::nothing_selected;

/// Seconds that a program may run, unless somebody says otherwise.
pub(super) const DEADLINE: u64 = 20;

/// Where runs leave their files, unless somebody says otherwise.
pub(super) const DIRECTORY: &str = "target/upward";

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
    /// What the user of the program behind `--` asked for [default: required].
    #[arg(long, value_enum)]
    policy: Option<PolicyName>,
    /// A bundled client by its name, a pattern of names, or the path of a profile; several times for
    /// several. `upward clients` lists them; --protocol takes some of them.
    #[arg(long, value_name = "NAME|FILE", conflicts_with = "command")]
    client: Vec<String>,
    /// What reports call the program of the command line [default: as it was started].
    #[arg(long, requires = "command")]
    name: Option<String>,
    /// Every bundled client that is installed.
    #[arg(long, conflicts_with_all = ["client", "command"])]
    all: bool,
    /// What is done about a client that is not installed [default: skip with --all, else fail].
    #[arg(long, value_enum)]
    missing: Option<present::Missing>,
    /// Only vectors whose id matches this pattern, of every tier unless --tier is given.
    #[arg(short, long)]
    filter: Vec<String>,
    /// How many vectors: `smoke` shows each known mistake in one way, `standard` plays each attack in each
    /// state, `full` in all wordings.
    #[arg(long, value_enum)]
    tier: Option<TierName>,
    /// How many programs run at once.
    #[arg(short, long)]
    jobs: Option<NonZeroUsize>,
    #[command(flatten)]
    reads: Reads,
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
    #[arg(long, default_value_t = DEADLINE, allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(1..))]
    deadline: u64,
    /// Seconds that the server waits for a program that has nothing to answer before it closes: more than
    /// the program's own timeouts, to see what it does after them [default: four times its slowest
    /// reaction, from 0.3 to 5]. The deadline is put off for it.
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(1..=3600))]
    patience: Option<u64>,
    /// Let `should` properties fail, too.
    #[arg(long)]
    strict: bool,
    /// A file of failures that are known and tolerated; `upward waive` writes its skeleton.
    #[arg(long, value_name = "FILE")]
    waivers: Option<PathBuf>,
    /// Only share K of N of the vectors, for N machines; `upward report` puts the reports together.
    #[arg(long, value_name = "K/N")]
    shard: Option<Shard>,
    #[command(flatten)]
    reports: Reports,
    /// A file of vectors in place of the committed ones.
    #[arg(long)]
    vectors: Option<PathBuf>,
    /// Where runs leave their files.
    #[arg(long, default_value = DIRECTORY)]
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
        let code = runtime.block_on(async {
            crate::process::adopt();
            let (stop, stopped) = watch::channel(false);
            tokio::spawn(async move {
                if asked_to_stop().await.is_ok() {
                    eprintln!("interrupted: the programs under test are being ended");
                    let _ = stop.send(true);
                }
            });
            self.all(&stopped).await
        });
        // A program that was asked for its version may have left processes behind, too.
        crate::process::end_adopted();
        code
    }

    async fn all(&self, stop: &watch::Receiver<bool>) -> Result<u8, Failure> {
        let writers = self.reports.writers()?;
        let waivers = self.waived()?;
        if self.is_main_job()? {
            return self.main_job(&writers, &waivers, stop).await;
        }
        let tier = self.tier(TierName::Standard);
        let present = if self.command.is_empty() {
            self.present(self.selected(self.chosen()?, tier)?).await?
        } else {
            let own = self.own()?;
            self.each_pattern_matches(std::slice::from_ref(&own))?;
            Present::of_command(own)
        };
        writers.check(present.there.len())?;
        self.hint_at_absent_clients(&waivers, &present);
        let detail = if self.all { Detail::Brief } else { Detail::All };
        let mut table = Table::default();
        let mut done: Vec<Results> = Vec::new();
        let mut codes = Vec::new();
        let mut broken_off = Ok(());
        for client in present.there {
            let began = Instant::now();
            match self.one(client, tier, &waivers, stop).await {
                Ok(results) => {
                    table.add(&results, began.elapsed());
                    codes.push(results.exit_code);
                    done.push(results);
                }
                // With `--all`, a failure of one client does not prevent the others' results.
                Err(failure) if self.all && !*stop.borrow() => {
                    eprintln!("{failure}");
                    codes.push(failure.code);
                    continue;
                }
                Err(failure) => broken_off = Err(failure),
            }
            if broken_off.is_ok() {
                broken_off = self.told(&writers, &done, detail);
            }
            if broken_off.is_err() || done.last().is_some_and(|results| results.interrupted) {
                break;
            }
            if self.all {
                reports::tell(&writers, "\n");
            }
        }
        if self.all {
            reports::tell(&writers, &table.to_string());
        }
        if !present.missing.is_empty() {
            let missing = present.missing.join(", ");
            reports::tell(&writers, &format!("\nnot installed, and so not run: {missing}\n"));
        }
        let finished = writers.finish(&done);
        broken_off?;
        finished?;
        if codes.is_empty() {
            codes.push(NOTHING);
        }
        Ok(worst(&codes))
    }

    /// Whether nothing says what to run.
    fn is_main_job(&self) -> Result<bool, Failure> {
        let alone = self.command.is_empty() && self.client.is_empty() && !self.all;
        let describes = self.policy.is_some() || !self.reads.is_empty();
        if alone && (describes || self.protocol.is_some()) {
            return Err(Failure::new("no program to run".to_owned())
                .help("put it behind `--`, or name a bundled one with --client"));
        }
        if self.command.is_empty() && describes {
            return Err(Failure::new(
                "--policy, --file and --stdin are for a program behind `--`".to_owned(),
            )
            .help(
                "a client that is named has them in its profile; `upward clients new` writes one",
            ));
        }
        Ok(alone)
    }

    /// A waiver that names a client which is not in the run does nothing: a program behind `--` may have another name.
    fn hint_at_absent_clients(&self, waivers: &Waivers, present: &Present) {
        let names: Vec<&str> =
            present.there.iter().map(|client| client.profile.name.as_str()).collect();
        for waiver in waivers.about_none_of(&names) {
            let client = waiver.client.as_ref().map_or("", Pattern::as_str);
            let help = if self.command.is_empty() {
                ""
            } else {
                "; --name gives a program behind `--` another name"
            };
            eprintln!(
                "note: {}: this waiver is about client `{client}`, and does not apply: the run has {}{help}",
                waiver.place,
                names.join(", ")
            );
        }
    }

    /// Writes files and tells people about the last of these results. Neither a full disk nor a closed
    /// pipe takes the other's results away.
    fn told(&self, writers: &Writers, done: &[Results], detail: Detail) -> Result<(), Failure> {
        let written = writers.files(done);
        if let Some(results) = done.last() {
            reports::tell(writers, &report::summary(results, detail));
        }
        written
    }

    fn waived(&self) -> Result<Waivers, Failure> {
        let Some(path) = &self.waivers else { return Ok(Waivers::default()) };
        Waivers::load(path).map_err(|error| {
            let failure = Failure::new(error.to_string());
            match error {
                WaiverError::Malformed { help: Some(help), .. } => failure.help(help),
                _ => failure,
            }
        })
    }

    fn tier(&self, default: TierName) -> Tier {
        self.tier.unwrap_or(default).into()
    }

    async fn one(
        &self,
        client: InstalledClient,
        tier: Tier,
        waivers: &Waivers,
        stop: &watch::Receiver<bool>,
    ) -> Result<Results, Failure> {
        let InstalledClient { profile, version } = client;
        let all = self.load(protocol(&profile.protocol)?.name)?;
        let chosen = self.vectors(&profile, tier)?;
        if chosen.is_empty() {
            return Err(nothing_selected(tier));
        }
        let setup = Setup {
            strict: self.strict,
            selection: Selected::of(&chosen, Some(tier), &self.filter),
            shard: self.shard,
        };
        let isolation = whom::isolation(self, &profile)?;
        let job = Job {
            protocol: protocol(&profile.protocol)?,
            policy: profile.policy,
            again: self.again(&profile),
            directory: self.directory.join(slug(&profile.name)),
            vectors: self.share(&chosen)?,
            profile,
            jobs: self.jobs.map_or_else(cores, NonZeroUsize::get),
            deadline: Duration::from_secs(self.deadline + self.patience.unwrap_or(0) * SILENCES),
            patience: self.patience.map(Duration::from_secs),
            keeper: Keeper::itself(),
            isolation,
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
        let mut results = Results::of(&report, setup);
        let universe = Universe { all: &all, selected: &chosen };
        waivers.apply(&mut results, universe, waiver::today());
        Ok(results)
    }
}

/// Waits for Ctrl-C, or for the signal by which a job of CI is ended.
async fn asked_to_stop() -> std::io::Result<()> {
    let mut ended = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = ended.recv() => Ok(()),
    }
}

/// How often a server may have to wait in one run, connections that are made anew included.
const SILENCES: u64 = 4;

/// The exit code where nothing can be said.
pub(super) const NOTHING: u8 = 3;

/// How many programs run at once, unless somebody says so.
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}
