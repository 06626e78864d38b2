//! The hand-written Promela model of SMTP against the Rust model: two readings of the standards,
//! explored by two programs, must break the same properties.
//!
//! SPIN and a C compiler are needed (Debian packages `spin` and `gcc`).

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

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
    found(spin::explore(&format!("smtp-{name}"), MODEL, switches))
}

fn found(report: spin::Report) -> Found {
    let broken = expressed()
        .into_iter()
        .filter(|(bit, _)| report.broken & (1 << bit) != 0)
        .map(|(_, property)| property.name());
    Found { broken: broken.collect(), delivers: report.delivers }
}

/// The Promela model with its policy and its flaw as variables: compiled once for each attacker, searched for
/// each policy and each flaw.
struct Searches {
    active: PathBuf,
    passive: PathBuf,
}

impl Searches {
    fn compile() -> Self {
        let mut text = String::from(VARIABLES);
        for (number, flaw) in known().into_iter().enumerate() {
            let is_chosen = format!("c_expr {{ upward_flaw == {} }}", number + 1);
            writeln!(text, "#define {} {is_chosen}", upper(flaw.name())).unwrap();
        }
        text.push_str(MODEL);
        let compile = |(name, switches)| spin::compile(name, &text, switches);
        let passive: &[String] = &["-DPASSIVE".to_owned()];
        let searches = [("smtp-active", &[][..]), ("smtp-passive", passive)];
        let [active, passive] = searches.map(compile);
        Self { active, passive }
    }

    fn of(&self, attacker: Attacker, policy: Policy, flaw: Option<Flaw>) -> Found {
        let folder = if attacker == Attacker::Passive { &self.passive } else { &self.active };
        let number = flaw.and_then(|flaw| known().iter().position(|known| *known == flaw));
        let flaw = number.map_or(0, |number| number + 1).to_string();
        let policy = policy_number(policy).to_string();
        found(spin::search(folder, &[("UPWARD_POLICY", &policy), ("UPWARD_FLAW", &flaw)]))
    }
}

/// What stands before the model, so that a search reads its policy and its flaw when it begins.
const VARIABLES: &str = r#"
c_decl {
  static int upward_policy, upward_flaw;

  __attribute__((constructor)) static void upward_choose(void)
  {
    upward_policy = atoi(getenv("UPWARD_POLICY"));
    upward_flaw = atoi(getenv("UPWARD_FLAW"));
  }
};
#define POLICY c_expr { upward_policy }
"#;

/// The number that the Promela text gives to a policy.
fn policy_number(policy: Policy) -> u32 {
    let define = format!("#define {} ", upper(policy.name()));
    let line = MODEL.lines().find_map(|line| line.strip_prefix(&define));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.unwrap_or_else(|| panic!("the Promela text does not define {policy}"))
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

/// A name, the switches of the Promela model, and the same as a world.
type Job = (String, Attacker, Policy, Option<Flaw>, World<Negotiator>);

#[test]
#[ignore = "a long walk: .ci/run runs it"]
fn two_models_break_the_same() {
    if !spin::available() {
        return;
    }
    let searches = Searches::compile();
    let mut jobs: Vec<Job> = Vec::new();
    for policy in Policy::ALL {
        for attacker in [Attacker::Active, Attacker::Passive] {
            let client = Negotiator::sound(&SMTP, policy);
            let world = World::new(&SMTP, client, vec![policy], Setting::of(attacker));
            jobs.push((format!("{policy}-{}", attacker.name()), attacker, policy, None, world));
        }
    }
    for flaw in known() {
        let setting = Setting::of(Attacker::Active);
        let world = flawed_world(&SMTP, flaw, &[Policy::Required], setting);
        let (attacker, policy) = (Attacker::Active, Policy::Required);
        jobs.push((flaw.name().to_owned(), attacker, policy, Some(flaw), world));
    }
    assert!(jobs.len() > 25, "the names of the switches have changed");
    let mut results = in_parallel(jobs, |(name, attacker, policy, flaw, world)| {
        let found = (searches.of(attacker, policy, flaw), rust(&world));
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
