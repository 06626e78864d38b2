//! Reports for other programs, written to files.

use std::path::PathBuf;

use super::Run;
use crate::cli::Failure;
use crate::report::{self, Report};

impl Run {
    pub(super) fn writers(&self) -> Result<Vec<(String, PathBuf)>, Failure> {
        self.reports
            .iter()
            .map(|report| match report.split_once('=') {
                Some((format @ ("json" | "junit"), path)) if !path.is_empty() => {
                    Ok((format.to_owned(), PathBuf::from(path)))
                }
                _ => Err(Failure::new(format!(
                    "--report {report}: expected json=FILE or junit=FILE"
                ))),
            })
            .collect()
    }
}

pub(super) fn write(format: &str, path: &PathBuf, report: &Report) -> Result<(), Failure> {
    let text = match format {
        "json" => serde_json::to_string_pretty(&report::Results::from(report))
            .map_err(|error| Failure::new(error.to_string()))?,
        _ => report::to_junit(report).map_err(|error| Failure::new(error.to_string()))?,
    };
    if path.as_os_str() == "-" {
        outln!("{text}");
        return Ok(());
    }
    std::fs::write(path, text + "\n")
        .map_err(|error| Failure::new(format!("failed to write {}: {error}", path.display())))
}
