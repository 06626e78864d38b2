//! `upward flaws`: explains the known flaws.

use clap::Args;
use upward_model::flaw::{Flaw, Side};
use upward_model::policy::Policy;
use upward_model::property::Property;
use upward_model::protocol::PROTOCOLS;
use upward_model::theorem::flaw_report;
use upward_model::world::Attacker;

use crate::cli::{Failure, flaw};

/// Explains the known mistakes of implementations.
#[derive(Args, Clone, Debug)]
pub(super) struct Flaws {
    /// Only this one, with what it breaks in each protocol.
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
            outln!("{flaw} ({side})");
            outln!("  {}", note.summary);
            outln!("  {}", note.effect);
            if !note.seen.is_empty() {
                outln!("  seen: {}", note.seen.join(", "));
            }
            outln!("  attack classes: {}", note.classes.join(", "));
            if self.name.is_some() {
                breaks(flaw);
            }
            outln!();
        }
        if self.name.is_none() {
            outln!("`upward flaws NAME` computes what one breaks, protocol by protocol");
        }
        Ok(0)
    }
}

/// What a flaw breaks in each protocol, under the strictest policy.
fn breaks(flaw: Flaw) {
    outln!("\n  breaks, under policy required and an active attacker:");
    for protocol in PROTOCOLS {
        let report = flaw_report(protocol, flaw, Policy::Required, Attacker::Active);
        let mut names: Vec<&str> = report.broken.iter().map(Property::name).collect();
        if names.is_empty() {
            names.push("nothing that is claimed: no occasion for this mistake");
        }
        outln!("    {:<12} {}", protocol.name, names.join(", "));
    }
}
