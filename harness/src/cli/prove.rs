//! `upward prove`: the theorem matrix, and the dialogues behind it.

use std::time::Instant;

use clap::{Args, ValueEnum};
use upward_model::client::Negotiator;
use upward_model::dialogue;
use upward_model::flaw::Flaw;
use upward_model::policy::Policy;
use upward_model::property::Property;
use upward_model::protocol::{PROTOCOLS, Protocol};
use upward_model::theorem::{Claim, Column, Computed, flaw_report, flawed_world, matrix};
use upward_model::walk::counterexample;
use upward_model::world::{Attacker, Setting, World};

use crate::cli::{Failure, PolicyName, flaw, protocol};

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
    /// The dialogue for every broken cell, whether claimed or not.
    #[arg(long)]
    dialogues: bool,
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
        if let Some(name) = &self.flaw {
            let flaw = flaw(name)?;
            let codes: Vec<bool> =
                protocols.iter().map(|protocol| self.flawed(protocol, flaw)).collect();
            return Ok(u8::from(codes.contains(&true)));
        }
        let mut differs = false;
        for protocol in protocols {
            differs |= self.prove(protocol);
        }
        if differs {
            println!("computed and claimed DIFFER");
        }
        Ok(u8::from(differs))
    }

    fn is_meant(&self, column: &Column) -> bool {
        self.policy.is_none_or(|name| Policy::from(name) == column.policy())
            && self.attacker.is_none_or(|name| Attacker::from(name) == column.setting.attacker)
    }

    /// Prints the matrix of a protocol; whether it differs from the claims.
    fn prove(&self, protocol: &'static Protocol) -> bool {
        let began = Instant::now();
        let columns: Vec<Column> =
            matrix(protocol).into_iter().filter(|column| self.is_meant(column)).collect();
        let groups = Group::of(&columns);
        println!("{}: {}", protocol.name, protocol.title);
        print!("  {:<40}", "");
        for group in &groups {
            print!(" {:<15}", group.title.0);
        }
        print!("\n  {:<40}", "property");
        for group in &groups {
            print!(" {:<15}", group.title.1);
        }
        println!();
        for &property in Property::ALL {
            let cells: Vec<&str> = groups.iter().map(|group| group.cell(property)).collect();
            if cells.iter().all(|cell| matches!(*cell, "n/a" | "-")) {
                continue;
            }
            print!("  {:<40}", property.name());
            for cell in cells {
                print!(" {cell:<15}");
            }
            println!();
        }
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
        println!(
            "  {} walks, all exhaustive: {states} states, {transitions} transitions, {:.1?}",
            columns.len(),
            began.elapsed()
        );
        println!(
            "  {claimed} claims, {} as computed{}",
            claimed - wrong.len(),
            if wrong.is_empty() { "" } else { "; NOT AS COMPUTED:" }
        );
        for (column, property) in &wrong {
            println!("  {property}: {}", describe(column));
            show(protocol, column, *property);
        }
        self.explain(protocol, &columns);
        println!();
        !wrong.is_empty()
    }

    /// The dialogues of broken cells: each property once, unless all are asked for.
    fn explain(&self, protocol: &'static Protocol, columns: &[Column]) {
        if self.protocol.is_none() && !self.dialogues {
            return;
        }
        let mut shown = Vec::new();
        // What an attacker does is more telling than what is missing by itself.
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
                println!("\n  {} is broken, as claimed ({})", cell.property, cell.claim.1);
                println!("  {}", describe(column));
                show(protocol, column, cell.property);
            }
        }
    }

    /// Prints what a flaw breaks; whether it breaks a claim.
    fn flawed(&self, protocol: &'static Protocol, flaw: Flaw) -> bool {
        let policy = self.policy.map_or(Policy::Required, Policy::from);
        let attacker = self.attacker.map_or(Attacker::Active, Attacker::from);
        let report = flaw_report(protocol, flaw, policy, attacker);
        let note = flaw.note();
        println!("{}: {flaw}, policy {policy}, {} attacker", protocol.name, attacker.name());
        println!("  {}", note.summary);
        println!("  {}", note.effect);
        if !note.seen.is_empty() {
            println!("  seen: {}", note.seen.join(", "));
        }
        if report.broken.is_empty() {
            println!("  {} has nothing that this mistake could break here", protocol.title);
            return false;
        }
        println!("\n  broken, and kept by the sound party:");
        for property in report.broken.iter() {
            println!("    {:<40} {}", property.name(), property.meaning());
        }
        if let Some((property, witness)) = &report.witness {
            let user = if report.sessions.len() > 1 {
                " (a user with two sessions: the first may do without TLS)"
            } else {
                ""
            };
            println!("\n  the least dialogue that breaks {property}{user}:\n");
            let world =
                flawed_world(protocol, flaw, &report.sessions, Setting::of(attacker)).counted();
            for line in dialogue::witness(&world, witness) {
                println!("    {line}");
            }
        }
        println!(
            "\n  {} states, {} transitions, exhaustive",
            report.walk.states, report.walk.transitions
        );
        true
    }
}

/// Columns that are shown as one: a policy and an attacker, over all servers.
struct Group<'a> {
    title: (String, String),
    columns: Vec<&'a Column>,
}

impl<'a> Group<'a> {
    fn of(columns: &'a [Column]) -> Vec<Self> {
        let mut groups: Vec<Self> = Vec::new();
        for column in columns {
            let second = if column.sessions.len() > 1 {
                "active, pool"
            } else {
                column.setting.attacker.name()
            };
            let title = (column.policy().name().to_owned(), second.to_owned());
            match groups.iter_mut().find(|group| group.title == title) {
                Some(group) => group.columns.push(column),
                None => groups.push(Self { title, columns: vec![column] }),
            }
        }
        groups
    }

    /// What holds with every server; where it is broken with some, how many.
    fn cell(&self, property: Property) -> &'static str {
        let cells: Vec<_> = self
            .columns
            .iter()
            .flat_map(|column| &column.cells)
            .filter(|cell| cell.property == property)
            .collect();
        if cells.iter().any(|cell| !cell.agrees()) {
            return "DIFFERS";
        }
        let claimed = |claim| cells.iter().filter(|cell| cell.claim.0 == claim).count();
        let broken = claimed(Claim::Broken);
        let tried = cells.iter().any(|cell| cell.computed == Computed::Holds);
        if claimed(Claim::NotClaimed) == cells.len() {
            "-"
        } else if broken == cells.len() {
            "broken"
        } else if broken > 0 {
            "broken for some"
        } else if tried {
            "holds"
        } else {
            "n/a"
        }
    }
}

fn describe(column: &Column) -> String {
    format!(
        "policy {}, {} attacker, a server that {}",
        column.policy(),
        column.setting.attacker.name(),
        column.setting.offering.name()
    )
}

/// Prints the least dialogue that breaks a property for the sound client.
fn show(protocol: &'static Protocol, column: &Column, property: Property) {
    let client = Negotiator {
        sessions: column.sessions.clone(),
        ..Negotiator::sound(protocol, column.policy())
    };
    let world = World::new(protocol, client, column.sessions.clone(), column.setting).counted();
    if let Some(witness) = counterexample(&world, property) {
        println!();
        for line in dialogue::witness(&world, &witness) {
            println!("    {line}");
        }
    }
}
