//! What `upward run` does alone.

use tokio::sync::watch;

use super::present::Present;
use super::{Run, worst};
use crate::cli::{Failure, TierName};
use crate::profile;
use crate::report::{self, Detail};

impl Run {
    /// Proves the manual's protocol and plays `smoke` against every bundled client that is
    /// installed.
    pub(super) async fn main_job(&self, stop: &watch::Receiver<bool>) -> Result<u8, Failure> {
        let mut codes = vec![crate::cli::builtin::prove_and_play().await?];
        let profiles = profile::bundled().map_err(|error| Failure::from_profile(&error))?;
        let Present { there, missing } = Present::find(profiles).await;
        for client in there {
            let report = self.one(client, self.tier(TierName::Smoke), stop).await?;
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
}
