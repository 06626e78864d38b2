//! The three conversations of the GnuTLS manual's page, as the model computes them, and the least
//! dialogue for each flaw.

use std::fmt::Write as _;

use upward_model::client::Negotiator;
use upward_model::dialogue;
use upward_model::flaw::Flaw;
use upward_model::policy::Policy;
use upward_model::property::Property;
use upward_model::protocol::MANUAL;
use upward_model::server::Phase;
use upward_model::theorem::flawed_world;
use upward_model::walk::{through, witness};
use upward_model::world::{Attacker, Setting, State, Wire, World};

use crate::flaw_reports::REPORTS;

fn world(policy: Policy, attacker: Attacker) -> World<Negotiator> {
    let client = Negotiator::sound(&MANUAL, policy);
    World::new(&MANUAL, client, vec![policy], Setting::of(attacker)).counted()
}

fn conversation(
    world: &World<Negotiator>,
    goal: impl Fn(&World<Negotiator>, &State) -> bool,
) -> String {
    let found = witness(world, goal).expect("there is such a conversation");
    dialogue::witness(world, &found).join("\n")
}

#[test]
fn the_honest_upgrade() {
    let world = world(Policy::Required, Attacker::Passive);
    let text = conversation(&world, |_, state| state.all_delivered());
    insta::assert_snapshot!("manual_1_honest", text);
}

/// The server has granted the upgrade, and the client has not heard of it.
fn granted(world: &World<Negotiator>, state: &State) -> bool {
    world.server_phase(state) == Phase::AwaitsTls && state.wire() == Wire::Clear
}

#[test]
fn the_fooled_client() {
    let world = world(Policy::Opportunistic, Attacker::Active);
    let found =
        through(&world, &[&granted, &|_, state| state.broken().has(Property::NoSecretInClear)]);
    let found = found.expect("there is such a conversation");
    insta::assert_snapshot!("manual_2_fooled", dialogue::witness(&world, &found).join("\n"));
}

#[test]
fn the_client_that_was_told_to_require_tls() {
    let world = world(Policy::Required, Attacker::Active);
    let found = through(
        &world,
        &[&granted, &|world, state| world.is_terminal(state) && !state.all_delivered()],
    );
    let found = found.expect("there is such a conversation");
    assert!(found.last().broken().is_empty());
    insta::assert_snapshot!("manual_3_required", dialogue::witness(&world, &found).join("\n"));
}

#[test]
fn the_least_dialogue_for_each_flaw() {
    for (protocol, reports) in REPORTS.iter() {
        let mut text = String::new();
        for (&flaw, report) in Flaw::ALL.iter().zip(reports) {
            let Some((property, found)) = &report.witness else { continue };
            let setting = Setting::of(Attacker::Active);
            let world = flawed_world(protocol, flaw, &report.sessions, setting).counted();
            writeln!(text, "== {flaw}: {property}").unwrap();
            for line in dialogue::witness(&world, found) {
                writeln!(text, "{line}").unwrap();
            }
        }
        insta::assert_snapshot!(format!("flaws_{}", protocol.name), text);
    }
}
