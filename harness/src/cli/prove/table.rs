//! The matrix of a protocol as a table that fits a hundred columns.

use upward_model::property::Property;
use upward_model::server::Hosts;
use upward_model::theorem::{Cell, Claim, Column, Computed};

/// What the words of the table mean.
pub(super) const LEGEND: &str = "\
holds    no reachable state breaks it, with any server; for at least one server, a known mistake would
broken   a dialogue breaks it; broken* with some servers only
trivial  no reachable state breaks it, and no known mistake would
n/a      the protocol does not have what the property speaks of
-        not claimed
pools    a session that requires TLS and one that may do without, in both orders
retries  a client that connects again, twice or three times in all
endless  any number of sessions, one after the other
hosts    two virtual hosts: a certificate each, or one for both";

/// The width of a column.
const COLUMN: usize = 8;

/// Prints a table: a line a property, a column a policy and an attacker.
pub(super) fn print_table(columns: &[Column]) {
    let groups = Group::of(columns);
    let mut above = String::new();
    let mut last = "";
    for (index, group) in groups.iter().enumerate() {
        if group.policy != last {
            // The policy's name is above the columns of both attackers.
            above = format!("{above:<width$}{}", group.policy, width = index * COLUMN);
            last = group.policy;
        }
    }
    print_line("", &above);
    print_line("property", &joined(groups.iter().map(|group| group.attacker)));
    for &property in Property::ALL {
        let cells: Vec<&str> = groups.iter().map(|group| group.cell(property)).collect();
        if !cells.iter().all(|cell| matches!(*cell, "n/a" | "-" | "trivial")) {
            print_line(property.name(), &joined(cells.into_iter()));
        }
    }
    for group in &groups {
        for &property in Property::ALL {
            if group.cell(property) == "broken*" {
                outln!(
                    "  * {property}, {} {}: broken where the server: {}",
                    group.policy,
                    group.attacker,
                    group.breaking(property).join(", ")
                );
            }
        }
    }
}

fn joined<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    cells.map(|cell| format!("{cell:<COLUMN$}")).collect()
}

fn print_line(name: &str, cells: &str) {
    outln!("{}", format!("  {name:<38} {cells}").trim_end());
}

/// Columns that are shown as one: a policy and an attacker, over all servers.
struct Group<'a> {
    policy: &'static str,
    attacker: &'static str,
    columns: Vec<&'a Column>,
}

impl<'a> Group<'a> {
    fn of(columns: &'a [Column]) -> Vec<Self> {
        let mut groups: Vec<Self> = Vec::new();
        for column in columns {
            let user = &column.user;
            let policy = if user.endless {
                "endless"
            } else if user.sessions.len() > 1 {
                "pools"
            } else if user.variant.retries {
                "retries"
            } else if column.setting.hosts != Hosts::One {
                "hosts"
            } else {
                column.policy().name()
            };
            let attacker = column.setting.attacker.name();
            let same = |group: &&mut Self| group.policy == policy && group.attacker == attacker;
            match groups.iter_mut().find(same) {
                Some(group) => group.columns.push(column),
                None => groups.push(Self { policy, attacker, columns: vec![column] }),
            }
        }
        groups
    }

    fn cells(&self, property: Property) -> impl Iterator<Item = (&'a Column, &'a Cell)> {
        self.columns.iter().flat_map(move |&column| {
            let cells = column.cells.iter().filter(move |cell| cell.property == property);
            cells.map(move |cell| (column, cell))
        })
    }

    /// What holds with every server.
    fn cell(&self, property: Property) -> &'static str {
        let count = |is: fn(&Cell) -> bool| self.cells(property).filter(|(_, c)| is(c)).count();
        let broken = count(|cell| cell.claim.0 == Claim::Broken);
        if count(|cell| !cell.agrees()) > 0 {
            "DIFFERS"
        } else if count(|cell| cell.claim.0 != Claim::NotClaimed) == 0 {
            "-"
        } else if count(|cell| cell.claim.0 != Claim::Broken) == 0 {
            "broken"
        } else if broken > 0 {
            "broken*"
        } else if count(|cell| cell.computed == Computed::Holds) > 0 {
            "holds"
        } else if count(|cell| cell.computed == Computed::Trivial) > 0 {
            "trivial"
        } else {
            "n/a"
        }
    }

    /// The servers with which a property is broken.
    fn breaking(&self, property: Property) -> Vec<&'static str> {
        self.cells(property)
            .filter(|(_, cell)| cell.computed == Computed::Broken)
            .map(|(column, _)| match column.setting.hosts {
                Hosts::One => column.setting.offering.name(),
                hosts => hosts.name(),
            })
            .collect()
    }
}
