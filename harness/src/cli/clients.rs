//! `upward clients`: the bundled clients, and the user's own profiles.

mod check;
mod list;
mod scaffold;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::catalogue::USUAL;
use crate::cli::reads::Reads;
use crate::cli::run::{DEADLINE, DIRECTORY};
use crate::cli::{Failure, PolicyName};

/// Lists the bundled clients: what they speak, and which version is installed or how to install
/// them.
#[derive(Args, Clone, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Clients {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// Only those that speak this protocol.
    #[arg(short, long)]
    protocol: Option<String>,
}

#[derive(Subcommand, Clone, Debug)]
enum Verb {
    /// Reads profiles and says what is wrong with them, where, and what to do about it. Runs nothing
    /// unless asked to.
    Check {
        /// The profiles.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Also runs each client's controls: an honest server, a withheld reply, a port where nobody
        /// listens, another authority.
        #[arg(long)]
        run: bool,
        /// Seconds that a client may run.
        #[arg(long, default_value_t = DEADLINE, value_parser = clap::value_parser!(u64).range(1..))]
        deadline: u64,
        /// Where runs leave their files.
        #[arg(long, default_value = DIRECTORY)]
        directory: PathBuf,
    },
    /// Writes a profile for a command line, with each field explained, to NAME.toml.
    New {
        /// The client's name, as in reports.
        name: String,
        /// The protocol that it speaks.
        #[arg(short, long, default_value = USUAL.name)]
        protocol: String,
        /// What its user asked for.
        #[arg(long, value_enum, default_value_t = PolicyName::Required)]
        policy: PolicyName,
        #[command(flatten)]
        reads: Reads,
        /// Where the file goes.
        #[arg(long, default_value = ".")]
        directory: PathBuf,
        /// The program and its arguments, with placeholders.
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
    /// Builds the program of a bundled client that has to be built, in a checkout of this project.
    Build {
        /// The client's name.
        name: String,
    },
}

impl Clients {
    /// Runs, and returns the exit code.
    pub(super) fn run(&self) -> Result<u8, Failure> {
        match &self.verb {
            None => wait(list::list(self.protocol.as_deref()))?,
            Some(Verb::Check { files, run, deadline, directory }) => {
                let how = check::How { run: *run, deadline: *deadline, directory };
                wait(check::check(files, &how))?
            }
            Some(Verb::New { name, protocol, policy, reads, directory, command }) => {
                let begun = scaffold::Begun {
                    version: wait(scaffold::tells_its_version(command))?,
                    name,
                    protocol: super::protocol(protocol)?.name,
                    policy: (*policy).into(),
                    files: reads.files()?,
                    stdin: reads.stdin()?,
                    output_is_data: reads.output_is_data,
                    command,
                };
                begun.write(directory)
            }
            Some(Verb::Build { name }) => list::build(name),
        }
    }
}

/// Waits for something that runs programs.
pub(super) fn wait<T>(work: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("failed to start: {error}")))?;
    Ok(runtime.block_on(work))
}
