//! What `upward run` does alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use upward_model::vector::Tier;

use super::present::{Client, Present};
use super::{Run, worst};
use crate::cli::{Failure, TierName};
use crate::profile;
use crate::report::{self, Detail, Report};

impl Run {
    /// Proves the manual's protocol and plays `smoke` against every bundled client that is
    /// installed.
    pub(super) async fn main_job(&self, stop: &watch::Receiver<bool>) -> Result<u8, Failure> {
        let mut codes = vec![crate::cli::builtin::prove_and_play().await?];
        let profiles = profile::bundled().map_err(|error| Failure::from_profile(&error))?;
        let Present { there, missing } = Present::find(profiles).await;
        self.many(there, self.tier(TierName::Smoke), stop, |report| match report {
            Ok(report) => self.bars.suspend(|| {
                outln!();
                out!("{}", report::summary(&report, self.strict, Detail::Brief));
                codes.push(report.exit_code(self.strict));
            }),
            // It had not begun when somebody stopped all of them.
            Err(failure) if failure.code == report::INTERRUPTED => codes.push(failure.code),
            // What can be said of the others is said.
            Err(failure) => self.bars.suspend(|| {
                eprintln!("{failure}");
                codes.push(failure.code);
            }),
        })
        .await;
        if !missing.is_empty() {
            outln!("\nnot installed, and so not run: {}", missing.join(", "));
        }
        Ok(worst(&codes))
    }

    /// Runs several clients at once, which wait for most of the time, and tells of each in their order.
    async fn many(
        &self,
        clients: Vec<Client>,
        tier: Tier,
        stop: &watch::Receiver<bool>,
        mut tell: impl FnMut(Result<Report, Failure>),
    ) {
        let run = Arc::new(self.clone());
        let room = Arc::new(Semaphore::new(AT_ONCE));
        let mut tasks = JoinSet::new();
        for (index, client) in clients.into_iter().enumerate() {
            let (run, room, stop) = (Arc::clone(&run), Arc::clone(&room), stop.clone());
            tasks.spawn(async move {
                let _room = room.acquire_owned().await;
                (index, run.one(client, tier, &stop).await)
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

/// How many clients run at once.
const AT_ONCE: usize = 3;
