//! Progress, on standard error.

use std::io::IsTerminal as _;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::report;
use crate::suite::Job;

/// The bar of a job, below those of the jobs that are under way.
pub(super) fn bar(bars: &MultiProgress, job: &Job) -> ProgressBar {
    let length = u64::try_from(job.vectors.len()).unwrap_or_default();
    if !std::io::stderr().is_terminal() {
        eprintln!("{}: {}", job.profile.name, report::vectors(job.vectors.len()));
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len} {wide_msg}");
    let bar = bars.add(ProgressBar::new(length).with_prefix(job.profile.name.clone()));
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
