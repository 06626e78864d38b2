//! The hand-written Promela model of SMTP against the Rust model: two readings of the standards,
//! explored by two programs, must break the same properties.
//!
//! SPIN and a C compiler are needed (Debian packages `spin` and `gcc`). Without them the tests say
//! so and pass, unless `UPWARD_REQUIRE_SPIN` is set.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use upward_model::client::Negotiator;
use upward_model::flaw::Flaw;
use upward_model::policy::Policy;
use upward_model::property::Property;
use upward_model::protocol::SMTP;
use upward_model::theorem::flawed_world;
use upward_model::walk::walk;
use upward_model::world::{Attacker, Setting, World};

const MODEL: &str = include_str!("../promela/smtp.pml");

/// One run: the properties that it breaks, by name, and whether it can deliver.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    broken: BTreeSet<&'static str>,
    delivers: bool,
}

/// Where the two readings differ, which of them breaks the property, and why both stand.
const READINGS: [(&str, Property, Reading, &str); 9] = [
    (
        "believes-early-success",
        Property::ClearKnowledgeForgotten,
        Reading::PromelaOnly,
        "a success that was heard in clear is knowledge from before TLS as well as a jump",
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

fn available() -> bool {
    let runs = |program: &str, argument: &str| {
        Command::new(program).arg(argument).output().is_ok_and(|output| output.status.success())
    };
    let both = runs("spin", "-V") && runs("gcc", "--version");
    let required = std::env::var_os("UPWARD_REQUIRE_SPIN").is_some();
    assert!(both || !required, "spin or gcc is missing: apt-get install spin gcc");
    if !both {
        eprintln!("skipped: spin or gcc is missing (Debian packages spin and gcc)");
    }
    both
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

fn run(folder: &Path, program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(folder).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{program} {arguments:?}: {text}{complaint}");
    text
}

/// Explores the Promela model with these switches.
fn spin(name: &str, switches: &[String]) -> Found {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("smtp-{name}"));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("smtp.pml"), MODEL).unwrap();
    let mut arguments = vec!["-a"];
    arguments.extend(switches.iter().map(String::as_str));
    arguments.push("smtp.pml");
    run(&folder, "spin", &arguments);
    let compile = ["-O1", "-w", "-DSAFETY", "-DNOREDUCE", "-DNOCLAIM", "-o", "pan", "pan.c"];
    run(&folder, "gcc", &compile);
    let text = run(&folder, "./pan", &["-E", "-n", "-m1000000"]);
    assert!(!text.contains("max search depth too small"), "{name}: the search was cut short");
    assert!(text.contains("errors: 0"), "{name}: {text}");
    let line = text.lines().find_map(|line| line.strip_prefix("upward: broken=")).unwrap();
    let (bits, delivers) = line.split_once(" delivers=").unwrap();
    let bits: u32 = bits.parse().unwrap();
    let broken =
        expressed().into_iter().filter(|(bit, _)| bits & (1 << bit) != 0).map(|(_, p)| p.name());
    Found { broken: broken.collect(), delivers: delivers.trim() == "1" }
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
    if !available() {
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
    let results: Mutex<Vec<(String, Found, Found)>> = Mutex::new(Vec::new());
    let queue = Mutex::new(jobs);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let job = queue.lock().unwrap().pop();
                    let Some((name, switches, world)) = job else { return };
                    let found = (name.clone(), spin(&name, &switches), rust(&world));
                    results.lock().unwrap().push(found);
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap();
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
    if !available() {
        return;
    }
    let required = switch("policy", "REQUIRED");
    let unchecked = [required.clone(), "-DPLANTED_UNCHECKED_CERTIFICATE=1".to_owned()];
    let client = Negotiator::sound(&SMTP, Policy::Required);
    let sound = World::new(&SMTP, client, vec![Policy::Required], Setting::of(Attacker::Active));
    assert_ne!(spin("planted-unchecked", &unchecked), rust(&sound));

    let flaw = Flaw::KeepsBuffer;
    let single = [required, switch(flaw.name(), "1"), "-DPLANTED_ONE_PER_SEGMENT=1".to_owned()];
    let world = flawed_world(&SMTP, flaw, &[Policy::Required], Setting::of(Attacker::Active));
    assert_ne!(spin("planted-single", &single), rust(&world));
}
