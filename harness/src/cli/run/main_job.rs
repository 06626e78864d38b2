//! What `upward run` does alone.

use tokio::sync::watch;

use super::Run;
use super::present::Present;
use crate::cli::reports::Writers;
use crate::cli::{Failure, TierName, worst};
use crate::profile;
use crate::report::Detail;
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
        let profiles = profile::bundled().map_err(|error| Failure::from_profile(&error))?;
        writers.check(profiles.len())?;
        if writers.take_stdout() {
            return Err(Failure::new("standard output is taken by what was proved".to_owned())
                .help("give the report a file, or name a client with --client"));
        }
        let mut codes = vec![crate::cli::builtin::prove_and_play().await?];
        let Present { there, missing } = Present::find(profiles).await;
        let (mut done, mut alone) = (Vec::new(), Vec::new());
        for client in there {
            if client.profile.port.is_some() && !self.isolate {
                alone.push(client.profile.name);
                continue;
            }
            let results = self.one(client, self.tier(TierName::Smoke), waivers, stop).await;
            let results = match results {
                Ok(results) => results,
                Err(failure) => {
                    // What kept this client from being run is the error to tell.
                    let _ = writers.finish(&done);
                    return Err(failure);
                }
            };
            codes.push(results.exit_code);
            let interrupted = results.interrupted;
            done.push(results);
            outln!();
            self.told(writers, &done, Detail::Brief)?;
            if interrupted {
                break;
            }
        }
        writers.finish(&done)?;
        if !missing.is_empty() {
            outln!("\nnot installed, and so not run: {}", missing.join(", "));
        }
        if !alone.is_empty() {
            outln!("\nnot run, since they need --isolate: {}", alone.join(", "));
        }
        Ok(worst(&codes))
    }
}
