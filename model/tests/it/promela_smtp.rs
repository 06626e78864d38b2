//! The hand-written Promela model of SMTP against the Rust model: two readings of the standards,
//! explored by two programs, must break the same properties.
//!
//! SPIN and a C compiler are needed (Debian packages `spin` and `gcc`).

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::in_parallel::in_parallel;
use crate::spin;
use upward_model::client::Negotiator;
use upward_model::flaw::Flaw;
use upward_model::policy::Policy;
use upward_model::property::Property;
use upward_model::protocol::SMTP;
use upward_model::theorem::flawed_world;
use upward_model::walk::walk;
use upward_model::world::{Attacker, Setting, World};

const MODEL: &str = include_str!("../../promela/smtp.pml");

/// One run: the properties that it breaks, by name, and whether it can deliver.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    broken: BTreeSet<&'static str>,
    delivers: bool,
}

/// Where the two readings differ, which of them breaks the property, and why both stand.
const READINGS: [(&str, Property, Reading, &str); 9] = [
    (
        "accepts-wrong-name",
        Property::NameFromUser,
        Reading::RustOnly,
        "Rust counts a session that goes on under another name, wherever that name came from",
    ),
    (
        "keeps-capabilities",
        Property::Agreement,
        Reading::PromelaOnly,
        "Promela's client asks again and does not look at the answer; Rust's does not ask",
    ),
    (
        "opportunistic-active",
        Property::NoSecretToUnauthenticatedPeer,
        Reading::PromelaOnly,
        "Rust asks that only of sessions that need TLS",
    ),
    (
        "opportunistic-active",
        Property::NothingBetweenRequestAndHandshake,
        Reading::PromelaOnly,
        "Rust asks that only of sessions that need TLS",
    ),
    (
        "opportunistic-active",
        Property::OnlyDenialOfService,
        Reading::PromelaOnly,
        "Rust asks that only of sessions that need TLS",
    ),
    (
        "opportunistic-passive",
        Property::NoSecretToUnauthenticatedPeer,
        Reading::PromelaOnly,
        "Rust asks that only of sessions that need TLS",
    ),
    (
        "opportunistic-passive",
        Property::OnlyDenialOfService,
        Reading::PromelaOnly,
        "Rust asks that only of sessions that need TLS",
    ),
    (
        "pipelines-secret-with-request",
        Property::PolicyNotFromWire,
        Reading::RustOnly,
        "Rust counts what goes out in clear, whoever is the cause",
    ),
    (
        "sends-secret-before-request",
        Property::PolicyNotFromWire,
        Reading::RustOnly,
        "Rust counts what goes out in clear, whoever is the cause",
    ),
];

/// Which model breaks a property that the other does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    PromelaOnly,
    RustOnly,
}

/// Whether two results are the same but for the known readings, all of which must show.
fn agree(name: &str, promela: &Found, rust: &Found) -> bool {
    let only = |reading| -> BTreeSet<&'static str> {
        READINGS
            .iter()
            .filter(|(known, _, who, _)| *known == name && *who == reading)
            .map(|(_, property, ..)| property.name())
            .collect()
    };
    let beyond = |one: &Found, other: &Found| -> BTreeSet<&'static str> {
        one.broken.difference(&other.broken).copied().collect()
    };
    promela.delivers == rust.delivers
        && beyond(promela, rust) == only(Reading::PromelaOnly)
        && beyond(rust, promela) == only(Reading::RustOnly)
}

/// The name of a flaw or property as the Promela text writes it.
fn upper(name: &str) -> String {
    name.to_ascii_uppercase().replace('-', "_")
}

/// The properties that the Promela model expresses, by their bits.
fn expressed() -> Vec<(u32, Property)> {
    let bit = |property: &Property| {
        let define = format!("#define {} ", upper(property.name()));
        let line = MODEL.lines().find_map(|line| line.strip_prefix(&define))?;
        Some((line.trim().parse().ok()?, *property))
    };
    Property::ALL.iter().filter_map(bit).collect()
}

/// The flaws that it knows.
fn known() -> Vec<Flaw> {
    let switch = |flaw: &&Flaw| {
        let define = format!("#ifndef {}", upper(flaw.name()));
        MODEL.lines().any(|line| line == define)
    };
    Flaw::ALL.iter().filter(switch).copied().collect()
}

/// Explores the Promela model with these switches.
fn promela(name: &str, switches: &[String]) -> Found {
    let report = spin::explore(&format!("smtp-{name}"), MODEL, switches);
    let broken = expressed()
        .into_iter()
        .filter(|(bit, _)| report.broken & (1 << bit) != 0)
        .map(|(_, property)| property.name());
    Found { broken: broken.collect(), delivers: report.delivers }
}

/// Explores the Rust model; only what the Promela model expresses is kept.
fn rust(world: &World<Negotiator>) -> Found {
    let found = walk(world, None);
    let broken = expressed()
        .into_iter()
        .filter(|(_, property)| found.broken.has(*property))
        .map(|(_, property)| property.name());
    Found { broken: broken.collect(), delivers: found.delivers }
}

fn switch(name: &str, value: &str) -> String {
    format!("-D{}={value}", upper(name))
}

#[test]
fn two_models_break_the_same() {
    if !spin::available() {
        return;
    }
    let mut jobs: Vec<(String, Vec<String>, World<Negotiator>)> = Vec::new();
    for policy in Policy::ALL {
        for attacker in [Attacker::Active, Attacker::Passive] {
            let mut switches = vec![switch("policy", &upper(policy.name()))];
            if attacker == Attacker::Passive {
                switches.push("-DPASSIVE".to_owned());
            }
            let client = Negotiator::sound(&SMTP, policy);
            let world = World::new(&SMTP, client, vec![policy], Setting::of(attacker));
            jobs.push((format!("{policy}-{}", attacker.name()), switches, world));
        }
    }
    for flaw in known() {
        let switches = vec![switch("policy", "REQUIRED"), switch(flaw.name(), "1")];
        let setting = Setting::of(Attacker::Active);
        let world = flawed_world(&SMTP, flaw, &[Policy::Required], setting);
        jobs.push((flaw.name().to_owned(), switches, world));
    }
    assert!(jobs.len() > 25, "the names of the switches have changed");
    let mut results = in_parallel(jobs, |(name, switches, world)| {
        let found = (promela(&name, &switches), rust(&world));
        (name, found.0, found.1)
    });
    results.sort_by(|one, other| one.0.cmp(&other.0));
    let mut table = String::new();
    let mut differ = String::new();
    for (name, promela, rust) in results {
        let names: Vec<&str> = promela.broken.iter().copied().collect();
        let delivers = if promela.delivers { "delivers" } else { "never delivers" };
        writeln!(table, "{name:<36} {delivers}; breaks {}", names.join(", ")).unwrap();
        if !agree(&name, &promela, &rust) {
            writeln!(differ, "{name}:\n  Promela {promela:?}\n  Rust    {rust:?}").unwrap();
        }
    }
    assert!(differ.is_empty(), "{differ}");
    insta::assert_snapshot!("promela_smtp", table);
}

/// The comparison can fail: each error that is planted in the Promela model makes a difference.
#[test]
fn planted_errors_are_noticed() {
    if !spin::available() {
        return;
    }
    let required = switch("policy", "REQUIRED");
    let unchecked = [required.clone(), "-DPLANTED_UNCHECKED_CERTIFICATE=1".to_owned()];
    let client = Negotiator::sound(&SMTP, Policy::Required);
    let sound = World::new(&SMTP, client, vec![Policy::Required], Setting::of(Attacker::Active));
    assert_ne!(promela("planted-unchecked", &unchecked), rust(&sound));

    let flaw = Flaw::KeepsBuffer;
    let single = [required, switch(flaw.name(), "1"), "-DPLANTED_ONE_PER_SEGMENT=1".to_owned()];
    let world = flawed_world(&SMTP, flaw, &[Policy::Required], Setting::of(Attacker::Active));
    assert_ne!(promela("planted-single", &single), rust(&world));
}
