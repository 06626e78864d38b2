//! `upward flaws`: the known mistakes, explained.

use clap::Args;
use upward_model::flaw::{Flaw, Side};

use crate::cli::{Failure, flaw};

/// Explains the known mistakes of implementations.
#[derive(Args, Clone, Debug)]
pub(super) struct Flaws {
    /// Only this one.
    name: Option<String>,
}

impl Flaws {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let flaws = match &self.name {
            Some(name) => vec![flaw(name)?],
            None => Flaw::ALL.to_vec(),
        };
        for flaw in flaws {
            let note = flaw.note();
            let side = match note.side {
                Side::Client => "client",
                Side::Server => "server",
            };
            println!("{flaw} ({side})");
            println!("  {}", note.summary);
            println!("  {}", note.effect);
            if !note.seen.is_empty() {
                println!("  seen: {}", note.seen.join(", "));
            }
            println!("  attack classes: {}\n", note.classes.join(", "));
        }
        Ok(0)
    }
}
