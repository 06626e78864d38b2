//! What `upward run` does alone.

use tokio::sync::watch;

use super::{Run, worst};
use crate::cli::{Failure, TierName};
use crate::profile;
use crate::report::{self, Detail};

impl Run {
    /// Proves the manual's protocol and plays `smoke` against every bundled client that is
    /// installed.
    pub(super) async fn main_job(&self, stop: &watch::Receiver<bool>) -> Result<u8, Failure> {
        let mut codes = vec![crate::cli::builtin::prove_and_play().await?];
        let profiles = profile::bundled().map_err(|error| Failure::new(error.to_string()))?;
        let (mut missing, mut alone) = (Vec::new(), Vec::new());
        for profile in profiles {
            if !profile.is_installed() {
                missing.push(match &profile.package {
                    Some(package) => format!("{} (Debian package {package})", profile.name),
                    None => profile.name,
                });
                continue;
            }
            if profile.port.is_some() && !self.isolate {
                alone.push(profile.name);
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
        if !alone.is_empty() {
            outln!("\nnot run, since they need --isolate: {}", alone.join(", "));
        }
        Ok(worst(&codes))
    }
}
