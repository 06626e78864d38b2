//! `upward waive`: prints the skeleton of a file of waivers.

use std::path::PathBuf;

use clap::Args;
use jiff::civil::Date;

use crate::cli::{Failure, reports};
use crate::waiver::{Given, skeleton};

/// Prints the skeleton of a file for `upward run --waivers`: a waiver for each vector that fails in a
/// report of `upward run --report json=FILE`.
///
/// The reasons are left to be written, and refused until they are.
#[derive(Args, Clone, Debug)]
pub(super) struct Waive {
    /// The reports, as JSON.
    #[arg(required = true, value_name = "RUN.json")]
    runs: Vec<PathBuf>,
    /// Why all this is tolerated.
    #[arg(long, default_value = "", hide_default_value = true)]
    reason: String,
    /// A link to where it is dealt with.
    #[arg(long)]
    issue: Option<String>,
    /// The last day on which it is tolerated, for example 2027-03-01.
    #[arg(long, value_name = "DATE")]
    expires: Option<Date>,
}

impl Waive {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let results =
            self.runs.iter().map(|path| reports::load(path)).collect::<Result<Vec<_>, _>>()?;
        if let Some(nothing) = results.iter().find(|results| !results.is_judged()) {
            let (client, why) = (&nothing.client.name, &nothing.controls.honest);
            return Err(Failure::new(format!("{client}: no vector was played: {why}"))
                .help("only what vectors find can be waived"));
        }
        let given =
            Given { reason: self.reason.clone(), issue: self.issue.clone(), expires: self.expires };
        let text = skeleton(&results, &given);
        if text.is_empty() {
            eprintln!("nothing fails that is not waived or announced already");
        }
        out!("{text}");
        Ok(0)
    }
}
