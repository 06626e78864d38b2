//! `upward prove`: the theorem matrix, and the dialogues behind it.

mod certificates;
mod table;

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use upward_model::dialogue;
use upward_model::flaw::Flaw;
use upward_model::policy::Policy;
use upward_model::property::Property;
use upward_model::protocol::{PROTOCOLS, Protocol};
use upward_model::theorem::{Claim, Column, Computed, flaw_report, flawed_world, matrix};
use upward_model::walk::{Extent, counterexample};
use upward_model::world::{Attacker, Setting};

use crate::cli::{Failure, PolicyName, flaw, protocol};

use self::table::{LEGEND, print_table};

/// Proves what each policy guarantees: computes the theorem matrix and holds it against what is
/// claimed. Exits with 1 where they differ, or where the flaw that is asked about breaks a claim.
#[derive(Args, Clone, Debug)]
pub(super) struct Prove {
    /// Only this protocol.
    #[arg(short, long)]
    protocol: Option<String>,
    /// Only this policy.
    #[arg(long, value_enum)]
    policy: Option<PolicyName>,
    /// Only this attacker.
    #[arg(long, value_enum)]
    attacker: Option<AttackerName>,
    /// A client or server with this flaw in place of the sound one.
    #[arg(long)]
    flaw: Option<String>,
    /// The dialogue for every broken cell, not only for the first of its kind.
    #[arg(long)]
    dialogues: bool,
    /// How many protocols are proved at a time; as many as there are processors, if not given.
    #[arg(long)]
    threads: Option<NonZeroUsize>,
    /// Write certificates to this directory instead of printing the matrix: one file for each column,
    /// for `model/certificate/check.py` (docs/certificate.md).
    #[arg(long, value_name = "DIRECTORY", conflicts_with_all = ["policy", "attacker", "flaw", "dialogues"])]
    certificate: Option<PathBuf>,
}

/// An attacker, on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum AttackerName {
    /// Listens.
    Passive,
    /// Owns every clear-text wire.
    Active,
}

impl From<AttackerName> for Attacker {
    fn from(name: AttackerName) -> Self {
        match name {
            AttackerName::Passive => Self::Passive,
            AttackerName::Active => Self::Active,
        }
    }
}

impl Prove {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let protocols: Vec<&'static Protocol> = match &self.protocol {
            Some(name) => vec![protocol(name)?],
            None => PROTOCOLS.to_vec(),
        };
        if let Some(directory) = &self.certificate {
            let written = certificates::write(directory, &protocols, self.threads(&protocols))?;
            outln!("{written} certificates in {}", directory.display());
            return Ok(0);
        }
        if let Some(name) = &self.flaw {
            let flaw = flaw(name)?;
            let codes: Vec<bool> =
                protocols.iter().map(|protocol| self.flawed(protocol, flaw)).collect();
            return Ok(u8::from(codes.contains(&true)));
        }
        let mut differs = false;
        self.matrices(&protocols, |protocol, columns, took| {
            differs |= self.print(protocol, &columns, took);
        });
        outln!("{LEGEND}");
        if differs {
            outln!("computed and claimed DIFFER, or a walk was cut short");
        }
        Ok(u8::from(differs))
    }

    /// How many threads work on so many protocols.
    fn threads(&self, protocols: &[&'static Protocol]) -> usize {
        let threads = self.threads.or_else(|| thread::available_parallelism().ok());
        threads.map_or(1, NonZeroUsize::get).min(protocols.len())
    }

    /// Computes the matrices, several at a time, and hands them over in order.
    fn matrices(
        &self,
        protocols: &[&'static Protocol],
        mut ready: impl FnMut(&'static Protocol, Vec<Column>, Duration),
    ) {
        let threads = self.threads(protocols);
        let next = AtomicUsize::new(0);
        let (sender, receiver) = mpsc::channel();
        thread::scope(|scope| {
            for _ in 0..threads {
                let (sender, next) = (sender.clone(), &next);
                scope.spawn(move || {
                    while let Some(&protocol) = protocols.get(next.fetch_add(1, Ordering::Relaxed))
                    {
                        if std::io::stderr().is_terminal() {
                            eprintln!("proving {}", protocol.name);
                        }
                        let began = Instant::now();
                        let columns = matrix(protocol);
                        if sender.send((protocol.name, columns, began.elapsed())).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(sender);
            let mut done = BTreeMap::new();
            for &protocol in protocols {
                while !done.contains_key(protocol.name) {
                    let Ok((name, columns, took)) = receiver.recv() else { return };
                    done.insert(name, (columns, took));
                }
                if let Some((mut columns, took)) = done.remove(protocol.name) {
                    columns.retain(|column| self.is_meant(column));
                    ready(protocol, columns, took);
                }
            }
        });
    }

    fn is_meant(&self, column: &Column) -> bool {
        self.policy.is_none_or(|name| Policy::from(name) == column.policy())
            && self.attacker.is_none_or(|name| Attacker::from(name) == column.setting.attacker)
    }

    /// Prints the matrix of a protocol; whether it differs from the claims.
    fn print(&self, protocol: &'static Protocol, columns: &[Column], took: Duration) -> bool {
        outln!("{}: {}", protocol.name, protocol.title);
        print_table(columns);
        let wrong: Vec<(&Column, Property)> = columns
            .iter()
            .flat_map(|column| {
                let wrong = column.cells.iter().filter(|cell| !cell.agrees());
                wrong.map(move |cell| (column, cell.property))
            })
            .collect();
        let states: usize = columns.iter().map(|column| column.walk.states).sum();
        let transitions: usize = columns.iter().map(|column| column.walk.transitions).sum();
        let claimed: usize = columns
            .iter()
            .flat_map(|column| &column.cells)
            .filter(|cell| cell.claim.0 != Claim::NotClaimed)
            .count();
        let exhaustive = columns.iter().all(|column| column.walk.extent == Extent::Exhaustive);
        outln!(
            "  {} walks, {}: {states} states, {transitions} transitions, {took:.1?}",
            columns.len(),
            if exhaustive { "all exhaustive" } else { "some BOUNDED, which proves nothing" },
        );
        outln!(
            "  {claimed} claims, {} as computed{}",
            claimed - wrong.len(),
            if wrong.is_empty() { "" } else { "; NOT AS COMPUTED:" }
        );
        for (column, property) in &wrong {
            outln!("  {property}: {}", describe(column));
            show(column, *property);
        }
        self.explain(columns);
        outln!();
        !wrong.is_empty() || !exhaustive
    }

    /// The dialogues of broken cells: each property once, unless all are asked for.
    fn explain(&self, columns: &[Column]) {
        if self.protocol.is_none() && !self.dialogues {
            return;
        }
        let mut shown = Vec::new();
        // Dialogues with an active attacker come first: they are more instructive.
        let active = columns.iter().filter(|c| c.setting.attacker == Attacker::Active);
        let passive = columns.iter().filter(|c| c.setting.attacker == Attacker::Passive);
        for column in active.chain(passive) {
            for cell in &column.cells {
                let broken = cell.computed == Computed::Broken && cell.claim.0 == Claim::Broken;
                let known = shown.contains(&(cell.property, column.policy()));
                if !broken || (known && !self.dialogues) {
                    continue;
                }
                shown.push((cell.property, column.policy()));
                outln!("\n  {} is broken, as claimed ({})", cell.property, cell.claim.1);
                outln!("  {}", describe(column));
                show(column, cell.property);
            }
        }
    }

    /// Prints what a flaw breaks; whether it breaks a claim.
    fn flawed(&self, protocol: &'static Protocol, flaw: Flaw) -> bool {
        let policy = self.policy.map_or(Policy::Required, Policy::from);
        let attacker = self.attacker.map_or(Attacker::Active, Attacker::from);
        let report = flaw_report(protocol, flaw, policy, attacker);
        let note = flaw.note();
        outln!("{}: {flaw}, policy {policy}, {} attacker", protocol.name, attacker.name());
        outln!("  {}", note.summary);
        outln!("  {}", note.effect);
        if !note.seen.is_empty() {
            outln!("  seen: {}", note.seen.join(", "));
        }
        if report.broken.is_empty() {
            outln!(
                "  {} gives no occasion for this mistake: nothing that is claimed breaks",
                protocol.title
            );
            return false;
        }
        outln!("\n  broken, and kept by the sound party:");
        for property in report.broken.iter() {
            outln!("    {:<40} {}", property.name(), property.meaning());
        }
        if let Some((property, witness)) = &report.witness {
            let user = match report.sessions[..] {
                [first, _, ..] if first.needs_tls() => " (a user with two sessions)",
                [_, _, ..] => " (a user with two sessions: the first may do without TLS)",
                _ => "",
            };
            outln!("\n  the least dialogue that breaks {property}{user}:\n");
            let world =
                flawed_world(protocol, flaw, &report.sessions, Setting::of(attacker)).counted();
            for line in dialogue::witness(&world, witness) {
                outln!("    {line}");
            }
        }
        outln!(
            "\n  {} states, {} transitions, exhaustive",
            report.walk.states,
            report.walk.transitions
        );
        true
    }
}

fn describe(column: &Column) -> String {
    format!("policy {column}")
}

/// Prints the least dialogue that breaks a property for the sound client.
fn show(column: &Column, property: Property) {
    let world = column.user.sound(column.setting).counted();
    if let Some(witness) = counterexample(&world, property) {
        outln!();
        for line in dialogue::witness(&world, &witness) {
            outln!("    {line}");
        }
    }
}
