//! `upward completions` and `upward man`: shell completions and manual pages.

use std::path::PathBuf;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::cli::{Cli, Failure};

/// Prints what completes `upward` in a shell.
///
/// For bash: `upward completions bash > ~/.local/share/bash-completion/completions/upward`
#[derive(Args, Clone, Debug)]
pub(super) struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "upward", &mut script);
        out!("{}", String::from_utf8_lossy(&script));
        Ok(0)
    }
}

/// Prints the manual page, or writes one for each command.
#[derive(Args, Clone, Debug)]
pub(super) struct Man {
    /// Writes the pages of all commands here: `man -l DIRECTORY/upward-run.1` shows one.
    #[arg(long)]
    directory: Option<PathBuf>,
}

impl Man {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let Some(directory) = &self.directory else {
            let mut page = Vec::new();
            let rendered = clap_mangen::Man::new(Cli::command()).render(&mut page);
            rendered.map_err(|error| Failure::new(format!("failed to make the page: {error}")))?;
            out!("{}", String::from_utf8_lossy(&page));
            return Ok(0);
        };
        let failed = |error| Failure::unwritten(directory, &error);
        std::fs::create_dir_all(directory).map_err(failed)?;
        clap_mangen::generate_to(Cli::command(), directory).map_err(failed)?;
        outln!("{}", directory.display());
        Ok(0)
    }
}
