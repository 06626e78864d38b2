//! `upward report`: shows, merges and compares reports.

use std::path::PathBuf;

use clap::Args;

use crate::cli::reports::{self, Reports};
use crate::cli::{Failure, worst};
use crate::report::{self, Detail};
use crate::results::{self, Comparison, Part, Results};

/// Shows, merges and compares reports of `upward run --report json=FILE`.
///
/// First a matrix of clients and families of attacks, then what there is to say of each client.
/// Shards of one run become one report, and the exit code is what the run would have given.
#[derive(Args, Clone, Debug)]
pub(super) struct Report {
    /// The reports, as JSON.
    #[arg(required = true, value_name = "RUN.json")]
    runs: Vec<PathBuf>,
    /// What changed since this report; several times for several. Exits with 1 where something got
    /// worse.
    #[arg(long, value_name = "OLD.json")]
    compare: Vec<PathBuf>,
    #[command(flatten)]
    reports: Reports,
}

impl Report {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let writers = self.reports.writers()?;
        let merged = merged(&self.runs)?;
        if !self.compare.is_empty() {
            writers.only_markdown()?;
            let compared = results::compare(&self::merged(&self.compare)?, &merged);
            let texts: Vec<String> = compared.iter().map(Comparison::to_text).collect();
            let markdown: Vec<String> = compared.iter().map(Comparison::to_markdown).collect();
            reports::tell(&writers, &texts.join("\n"));
            writers.comparison(&markdown.join("\n"))?;
            return Ok(u8::from(compared.iter().any(|comparison| !comparison.worse.is_empty())));
        }
        writers.check(merged.len())?;
        let detail = if merged.len() > 1 { Detail::Brief } else { Detail::All };
        let written = writers.files(&merged);
        let mut text = report::matrix(&merged);
        for results in &merged {
            text.push('\n');
            text += &report::summary(results, detail);
        }
        reports::tell(&writers, &text);
        written?;
        writers.finish(&merged)?;
        let codes: Vec<u8> = merged.iter().map(|results| results.exit_code).collect();
        Ok(worst(&codes))
    }
}

/// Reports from their files; shards of one run are put together.
fn merged(paths: &[PathBuf]) -> Result<Vec<Results>, Failure> {
    let parts = paths
        .iter()
        .map(|path| Ok(Part { file: path.display().to_string(), results: reports::load(path)? }))
        .collect::<Result<Vec<_>, Failure>>()?;
    results::merge(parts).map_err(|error| {
        let failure = Failure::new(error.to_string());
        match error {
            results::MergeError::Whole { .. } => {
                failure.help(
                    "two programs: run each with a --name of its own; one program, run twice: --compare OLD.json \
                     shows what changed",
                )
            }
            results::MergeError::Missing { .. } => {
                failure.help("name the reports of all shards of the run")
            }
            _ => failure,
        }
    })
}
