//! The files and standard input of the user's own program, as options of the command line.

use std::collections::BTreeMap;

use clap::Args;

use crate::cli::Failure;
use crate::template::{self, TemplateError};

/// Files and standard input of a program.
#[derive(Args, Clone, Debug)]
pub(super) struct Reads {
    /// A file in the program's directory, with `\n`, `\r`, `\t` and placeholders.
    #[arg(long = "file", value_name = "NAME=TEMPLATE")]
    files: Vec<String>,
    /// What the program reads, with `\n`, `\r`, `\t` and placeholders.
    #[arg(long, default_value = "")]
    stdin: String,
    /// The program writes nothing but data from the server to its standard output: data that came in clear
    /// must not be among them.
    #[arg(long)]
    pub(super) output_is_data: bool,
}

impl Reads {
    /// The files, by name.
    pub(super) fn files(&self) -> Result<BTreeMap<String, String>, Failure> {
        let mut files = BTreeMap::new();
        for file in &self.files {
            let wrong = |error: &TemplateError| {
                Failure::new(format!("--file {file}: {error}")).help(error.help())
            };
            let Some((name, text)) = file.split_once('=') else {
                return Err(Failure::new(format!("--file {file}: expected NAME=TEMPLATE")));
            };
            template::inside(name).map_err(|error| wrong(&error))?;
            let text = template::unescape(text).map_err(|error| wrong(&error))?;
            if files.insert(name.to_owned(), text).is_some() {
                return Err(Failure::new(format!("--file {file}: there are two files `{name}`")));
            }
        }
        Ok(files)
    }

    /// What it reads.
    pub(super) fn stdin(&self) -> Result<String, Failure> {
        template::unescape(&self.stdin)
            .map_err(|error| Failure::new(format!("--stdin: {error}")).help(error.help()))
    }

    /// Whether nothing is said.
    pub(super) const fn is_empty(&self) -> bool {
        self.files.is_empty() && self.stdin.is_empty() && !self.output_is_data
    }

    /// The options that say the same again, as they were given.
    pub(super) fn options(&self) -> Vec<String> {
        let files = self.files.iter().flat_map(|file| ["--file".to_owned(), file.clone()]);
        let stdin = (!self.stdin.is_empty()).then(|| ["--stdin".to_owned(), self.stdin.clone()]);
        let data = self.output_is_data.then(|| "--output-is-data".to_owned());
        files.chain(stdin.into_iter().flatten()).chain(data).collect()
    }
}
