//! `upward run` without arguments.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use upward_model::vector::Tier;

use super::Run;
use super::present::{InstalledClient, Present};
use crate::cli::reports::Writers;
use crate::cli::{Failure, TierName, worst};
use crate::profile;
use crate::report::Detail;
use crate::results::{self, Results};
use crate::waiver::Waivers;

impl Run {
    /// Proves the manual's protocol and plays `smoke` against every bundled client that is
    /// installed.
    pub(super) async fn main_job(
        &self,
        writers: &Writers,
        waivers: &Waivers,
        stop: &watch::Receiver<bool>,
    ) -> Result<u8, Failure> {
        let tier = self.tier(TierName::Smoke);
        let profiles = profile::bundled().map_err(|error| Failure::from_profile(&error))?;
        let profiles = self.selected(profiles, tier)?;
        writers.check(profiles.len())?;
        if writers.take_stdout() {
            return Err(Failure::new("standard output is taken by what was proved".to_owned())
                .help("give the report a file, or name a client with --client"));
        }
        let mut codes = vec![crate::cli::builtin::prove_and_play().await?];
        let Present { there, missing } = Present::find(profiles).await;
        let (there, alone): (Vec<_>, Vec<_>) =
            there.into_iter().partition(|one| one.profile.port.is_none() || self.isolate);
        let alone: Vec<_> = alone.into_iter().map(|client| client.profile.name).collect();
        let mut done = Vec::new();
        let mut written = Ok(());
        self.many(there, tier, waivers, stop, |results| match results {
            Ok(results) => self.bars.suspend(|| {
                codes.push(results.exit_code);
                done.push(results);
                outln!();
                if let Err(failure) = self.told(writers, &done, Detail::Brief) {
                    written = Err(failure);
                }
            }),
            // The user stopped all clients before this one started.
            Err(failure) if failure.code == results::INTERRUPTED => codes.push(failure.code),
            // A failure of one client does not prevent the others' results.
            Err(failure) => self.bars.suspend(|| {
                eprintln!("{failure}");
                codes.push(failure.code);
            }),
        })
        .await;
        let finished = writers.finish(&done);
        written?;
        finished?;
        if !missing.is_empty() {
            outln!("\nnot installed, and so not run: {}", missing.join(", "));
        }
        if !alone.is_empty() {
            outln!("\nnot run, since they need --isolate: {}", alone.join(", "));
        }
        if let Some(note) = found_out(&done) {
            outln!("\n{note}");
        }
        Ok(worst(&codes))
    }

    /// Runs several clients at once, which wait for most of the time, and tells of each in their order.
    async fn many(
        &self,
        clients: Vec<InstalledClient>,
        tier: Tier,
        waivers: &Waivers,
        stop: &watch::Receiver<bool>,
        mut tell: impl FnMut(Result<Results, Failure>),
    ) {
        let (run, waivers) = (Arc::new(self.clone()), Arc::new(waivers.clone()));
        let room = Arc::new(Semaphore::new(AT_ONCE));
        let mut tasks = JoinSet::new();
        for (index, client) in clients.into_iter().enumerate() {
            let (run, waivers) = (Arc::clone(&run), Arc::clone(&waivers));
            let (room, stop) = (Arc::clone(&room), stop.clone());
            tasks.spawn(async move {
                let _room = room.acquire_owned().await;
                (index, run.one(client, tier, &waivers, &stop).await)
            });
        }
        let (mut done, mut next) = (BTreeMap::new(), 0);
        while let Some(Ok((index, report))) = tasks.join_next().await {
            done.insert(index, report);
            while let Some(report) = done.remove(&next) {
                tell(report);
                next += 1;
            }
        }
    }
}

/// Why the exit code is 1 although Upward works.
fn found_out(done: &[Results]) -> Option<String> {
    let failed = done.iter().filter(|results| results.exit_code == 1);
    let names: Vec<&str> = failed.map(|results| &*results.client.name).collect();
    let (last, first) = names.split_last()?;
    let (names, be, the) = if first.is_empty() {
        ((*last).to_owned(), "its", "the client")
    } else {
        (format!("{} and {last}", first.join(", ")), "their", "the clients")
    };
    Some(format!(
        "exit code 1: {names} failed in a way that {be} authors do not document. The mistake is in {the}; Upward \
         works. To see all failures of one: upward run --client NAME"
    ))
}

/// How many clients run at once.
const AT_ONCE: usize = 3;
