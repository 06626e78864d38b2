//! Report files: written by `run` and `report`, read by `report` and `waive`.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::Failure;
use crate::report;
use crate::results::Results;

/// Where a name stands in for that of a client.
const CLIENT: &str = "{client}";

/// Which reports are written, beside what is printed for people.
#[derive(Args, Clone, Debug)]
pub(super) struct Reports {
    /// A further report: json=FILE, junit=FILE, md=FILE, tap=FILE, or page=FILE, which names only
    /// clients that conform or do what they announce; `-` for standard output, where
    /// people are then told nothing; `{client}` in FILE for one file a client. Where
    /// GITHUB_STEP_SUMMARY names a file, the Markdown is added to it.
    #[arg(long = "report", value_name = "FORMAT=FILE")]
    reports: Vec<String>,
}

/// The reports that were asked for.
#[derive(Clone, Debug)]
pub(super) struct Writers(Vec<(Format, PathBuf)>);

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Json,
    Junit,
    Markdown,
    Page,
    Tap,
}

impl Reports {
    /// What was asked for.
    pub(super) fn writers(&self) -> Result<Writers, Failure> {
        self.reports.iter().map(|text| writer(text)).collect::<Result<_, _>>().map(Writers)
    }
}

fn writer(text: &str) -> Result<(Format, PathBuf), Failure> {
    let (format, path) = text.split_once('=').unwrap_or_default();
    let format = match format {
        "json" => Some(Format::Json),
        "junit" => Some(Format::Junit),
        "md" => Some(Format::Markdown),
        "page" => Some(Format::Page),
        "tap" => Some(Format::Tap),
        _ => None,
    };
    match format {
        Some(format) if !path.is_empty() => Ok((format, PathBuf::from(path))),
        _ => Err(Failure::new(format!(
            "--report {text}: expected json=FILE, junit=FILE, md=FILE, tap=FILE or page=FILE"
        ))),
    }
}

impl Writers {
    /// Checks that what was asked for can be written, and can hold the results of that many clients.
    pub(super) fn check(&self, clients: usize) -> Result<(), Failure> {
        for (at, (_, path)) in self.0.iter().enumerate() {
            check_place(path)?;
            if self.0[..at].iter().any(|(_, other)| other == path) {
                let what = format!("two reports go to {}", path.display());
                return Err(Failure::new(what).help("give each a file of its own"));
            }
        }
        let one = |(format, path): &&(Format, PathBuf)| {
            *format == Format::Json && !is_stdout(path) && !is_for_each(path)
        };
        match self.0.iter().find(one) {
            Some((_, path)) if clients > 1 => Err(Failure::new(format!(
                "--report json={}: a JSON report is about one client, and there are several",
                path.display()
            ))
            .help(format!("put {CLIENT} into the name of the file: each client then has its own"))),
            _ => Ok(()),
        }
    }

    /// Refuses what a comparison cannot be written as.
    pub(super) fn only_markdown(&self) -> Result<(), Failure> {
        if self.0.iter().all(|(format, _)| *format == Format::Markdown) {
            return Ok(());
        }
        Err(Failure::new("a comparison can be written as md=FILE only".to_owned()))
    }

    /// Whether a report goes to standard output: then people are not told anything there.
    pub(super) fn take_stdout(&self) -> bool {
        self.0.iter().any(|(_, path)| is_stdout(path))
    }

    /// Writes files; called after each client, so that nothing is lost if a later one breaks it off.
    pub(super) fn files(&self, reports: &[Results]) -> Result<(), Failure> {
        for (format, path) in self.0.iter().filter(|(_, path)| !is_stdout(path)) {
            if !is_for_each(path) {
                write(path, &text(*format, reports)?)?;
                continue;
            }
            for results in reports {
                let name = path.to_string_lossy().replace(CLIENT, &slug(&results.client.name));
                write(Path::new(&name), &text(*format, std::slice::from_ref(results))?)?;
            }
        }
        Ok(())
    }

    /// Writes what goes to standard output and to the summary of a step; called once, at the end.
    pub(super) fn finish(&self, reports: &[Results]) -> Result<(), Failure> {
        if reports.is_empty() {
            return Ok(());
        }
        add_to_step_summary(&report::to_markdown(reports));
        for (format, _) in self.0.iter().filter(|(_, path)| is_stdout(path)) {
            out!("{}", text(*format, reports)?);
        }
        Ok(())
    }

    /// Writes a comparison.
    pub(super) fn comparison(&self, markdown: &str) -> Result<(), Failure> {
        add_to_step_summary(markdown);
        for (_, path) in &self.0 {
            if is_stdout(path) {
                out!("{markdown}");
            } else {
                write(path, markdown)?;
            }
        }
        Ok(())
    }
}

/// Checks that a file can be written, and leaves it as it is: who has waited for the results wants to
/// have them.
fn check_place(path: &Path) -> Result<(), Failure> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if is_stdout(path) || is_for_each(folder) {
        return Ok(());
    }
    let tried = if path.exists() {
        std::fs::OpenOptions::new().append(true).open(path).map(drop)
    } else {
        tempfile::tempfile_in(folder).map(drop)
    };
    tried.map_err(|error| {
        let failure = Failure::unwritten(path, &error);
        match error.kind() {
            std::io::ErrorKind::NotFound => failure.help("make its folder first"),
            _ => failure,
        }
    })
}

fn is_stdout(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn is_for_each(path: &Path) -> bool {
    path.to_string_lossy().contains(CLIENT)
}

/// The reports in a format. JSON is about one client: those of several are one text after another.
fn text(format: Format, reports: &[Results]) -> Result<String, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::new(error.to_string());
    match format {
        Format::Json => reports
            .iter()
            .map(|results| Ok(results.to_text().map_err(|error| failed(&error))? + "\n"))
            .collect(),
        Format::Junit => {
            Ok(report::to_junit(reports).map_err(|error| failed(&error))?.trim_end().to_owned()
                + "\n")
        }
        Format::Markdown => Ok(report::to_markdown(reports)),
        Format::Page => Ok(report::to_page(reports)),
        Format::Tap => Ok(report::to_tap(reports)),
    }
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|error| {
        Failure::unwritten(path, &error).help("the exit code is 2, whatever the results are")
    })
}

/// GitHub shows what a step adds to this file on the page of the run. What was found does not depend
/// on it: a failure is said, and is none of the run.
fn add_to_step_summary(markdown: &str) {
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else {
        return;
    };
    let file = std::fs::File::options().append(true).create(true).open(&path);
    if let Err(error) = file.and_then(|mut file| file.write_all(format!("{markdown}\n").as_bytes()))
    {
        let path = Path::new(&path).display();
        eprintln!("warning: failed to add to GITHUB_STEP_SUMMARY ({path}): {error}");
    }
}

/// Tells people: on standard output, or beside a report that goes there.
pub(super) fn tell(writers: &Writers, text: &str) {
    if writers.take_stdout() {
        eprint!("{text}");
    } else {
        out!("{text}");
    }
}

/// A report from its file.
pub(super) fn load(path: &Path) -> Result<Results, Failure> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::new(format!("failed to read {name}: {error}")))?;
    Results::parse(&name, &text).map_err(|error| {
        Failure::new(error.to_string()).help("expected a report of `upward run --report json=FILE`")
    })
}

/// A name that a file can have, and that no program takes for an option.
pub(super) fn slug(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let name: String = name.chars().map(plain).collect();
    match name.trim_start_matches('-') {
        "" => "client".to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn a_file_is_called_like_its_client() {
        assert_eq!(slug("./my-client"), "my-client");
        assert_eq!(slug("curl --ssl"), "curl---ssl");
        assert_eq!(slug("/"), "client");
    }
}
