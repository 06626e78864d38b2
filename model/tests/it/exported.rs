//! SPIN against our walker: the same world, exported as Promela, has the same states, the same
//! transitions and the same broken properties.
//!
//! SPIN and a C compiler are needed, as for the hand-written model.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::in_parallel::in_parallel;
use crate::spin;
use upward_model::client::Negotiator;
use upward_model::flaw::Flaw;
use upward_model::policy::Policy;
use upward_model::promela::promela;
use upward_model::property::Property;
use upward_model::protocol::{MANUAL, PROTOCOLS, Protocol, SMTP};
use upward_model::theorem::flawed_world;
use upward_model::walk::{Extent, walk};
use upward_model::world::{Alpn, Attacker, Offering, Setting, World};

/// What an exploration found.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    states: usize,
    transitions: usize,
    broken: BTreeSet<&'static str>,
    delivers: bool,
}

fn walked(world: &World<Negotiator>) -> Found {
    let found = walk(world, None);
    assert_eq!((found.extent, found.stuck), (Extent::Exhaustive, 0));
    Found {
        states: found.states,
        transitions: found.transitions,
        broken: found.broken.iter().map(Property::name).collect(),
        delivers: found.delivers,
    }
}

/// SPIN has one state and one step more: before and to the start. What it calls transitions is
/// each state that it reached, the first included, to which no step leads.
fn spun(name: &str, text: &str) -> Found {
    let report = spin::explore_exported(name, text);
    let names = Property::ALL.iter().filter(|p| report.broken & (1 << **p as u8) != 0);
    Found {
        states: report.states - 1,
        transitions: report.transitions - 2,
        broken: names.map(|property| property.name()).collect(),
        delivers: report.delivers,
    }
}

type Job = (String, World<Negotiator>);

fn sound(protocol: &'static Protocol, sessions: &[Policy], setting: Setting) -> Job {
    let client =
        Negotiator { sessions: sessions.to_vec(), ..Negotiator::sound(protocol, sessions[0]) };
    let policies: Vec<&str> = sessions.iter().map(|policy| policy.name()).collect();
    let alpn = if setting.alpn == Alpn::Strict { ", ALPN" } else { "" };
    let name = format!(
        "{} {}, {}, {}{alpn}",
        protocol.name,
        policies.join("+"),
        setting.attacker.name(),
        setting.offering.name()
    );
    (name, World::new(protocol, client, sessions.to_vec(), setting))
}

/// The worlds that stateright walks as well, and counts alike (`theorems.rs`).
fn counted_by_stateright() -> Vec<Job> {
    let mut jobs = Vec::new();
    for protocol in PROTOCOLS {
        for policy in Policy::ALL {
            if policy == Policy::Implicit && !protocol.has_implicit() {
                continue;
            }
            for attacker in [Attacker::Active, Attacker::Passive] {
                jobs.push(sound(protocol, &[policy], Setting::of(attacker)));
            }
        }
    }
    for protocol in [&MANUAL, &SMTP] {
        for &flaw in Flaw::ALL {
            let setting = Setting::of(Attacker::Active);
            let world = flawed_world(protocol, flaw, &[Policy::Required], setting);
            jobs.push((format!("{} {}", protocol.name, flaw.name()), world));
        }
    }
    jobs
}

/// Worlds that no other engine counts.
fn counted_by_spin_alone() -> Vec<Job> {
    let mut jobs = Vec::new();
    for protocol in PROTOCOLS {
        let both = [Policy::Opportunistic, Policy::Required];
        jobs.push(sound(protocol, &both, Setting::of(Attacker::Active)));
    }
    // What else a server can be, where it shows most.
    for offering in Offering::ALL {
        for attacker in [Attacker::Active, Attacker::Passive] {
            if offering != Offering::Both {
                let setting = Setting { offering, ..Setting::of(attacker) };
                jobs.push(sound(&SMTP, &[Policy::Required], setting));
            }
        }
    }
    let strict = Setting { alpn: Alpn::Strict, ..Setting::of(Attacker::Active) };
    jobs.push(sound(PROTOCOLS[2], &[Policy::Required], strict));
    jobs
}

#[test]
fn spin_counts_what_no_other_engine_counts() {
    spin_counts_what_the_walker_counts("spin_alone", counted_by_spin_alone());
}

#[test]
#[ignore = "a long walk: .ci/run runs it"]
fn spin_counts_what_stateright_counts() {
    spin_counts_what_the_walker_counts("spin_and_stateright", counted_by_stateright());
}

fn spin_counts_what_the_walker_counts(snapshot: &str, jobs: Vec<Job>) {
    if !spin::available() {
        return;
    }
    let rows = in_parallel(jobs.into_iter().enumerate(), |(index, (name, world))| {
        let found = walked(&world);
        let text = promela(&world);
        assert_eq!(found, spun(&format!("export-{snapshot}-{index}"), &text), "{name}");
        (name, found)
    });
    let mut table = String::new();
    for (name, found) in rows {
        let Found { states, transitions, broken, delivers } = found;
        let broken: Vec<&str> = broken.into_iter().collect();
        let delivers = if delivers { "delivers" } else { "never delivers" };
        writeln!(
            table,
            "{name:<60} {states:>7} {transitions:>8}  {delivers}; breaks {}",
            broken.join(", ")
        )
        .unwrap();
    }
    insta::assert_snapshot!(snapshot, table);
}

/// The comparison can fail: each change of the composition is noticed.
#[test]
fn planted_errors_are_noticed() {
    if !spin::available() {
        return;
    }
    let planted = [
        // Where the attacker can splice the two ports, `agreement` is broken anyway.
        (
            Offering::Upgrade,
            "if (w->to_client.answers[0] && w->outstanding > 0) w->outstanding--;",
            "",
        ),
        (Offering::Both, "&& !(spliced && ALPN_STRICT)", "&& !spliced"),
        (Offering::Both, "if (peer != GENUINE) return 1;", "if (peer != GENUINE) return 0;"),
        (
            Offering::Both,
            "w->to_client.message[0] == DONE) w->confirmed = 1;",
            "w->to_client.message[0] == DONE) w->confirmed = 0;",
        ),
    ];
    for (index, (offering, right, wrong)) in planted.into_iter().enumerate() {
        let setting = Setting { offering, ..Setting::of(Attacker::Active) };
        let (_, world) = sound(&SMTP, &[Policy::Required], setting);
        let (text, found) = (promela(&world), walked(&world));
        assert!(text.contains(right), "{right}");
        let name = format!("export-planted-{index}");
        assert_ne!(found, spun(&name, &text.replace(right, wrong)), "planted: `{wrong}`");
    }
}
