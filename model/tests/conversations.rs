//! The three conversations of the GnuTLS manual's page, as the model computes them, and the least
//! dialogue for each flaw.
#![expect(clippy::expect_used, reason = "tests fail by panicking")]

use std::fmt::Write as _;

use upward_model::client::Negotiator;
use upward_model::dialogue;
use upward_model::flaw::Flaw;
use upward_model::policy::Policy;
use upward_model::property::Property;
use upward_model::protocol::{MANUAL, PROTOCOLS};
use upward_model::server::Phase;
use upward_model::theorem::{flaw_report, flawed_world};
use upward_model::walk::witness;
use upward_model::world::{Action, Attacker, Setting, State, World};

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

#[test]
fn the_fooled_client() {
    let world = world(Policy::Opportunistic, Attacker::Active);
    // The server granted the upgrade; the client never heard of it.
    let text = conversation(&world, |world, state| {
        world.server_phase(state) == Phase::AwaitsTls
            && state.broken().has(Property::NoSecretInClear)
    });
    insta::assert_snapshot!("manual_2_fooled", text);
}

#[test]
fn the_client_that_was_told_to_require_tls() {
    let world = world(Policy::Required, Attacker::Active);
    let refused = upward_model::message::Segment::one(upward_model::message::Reply::Refuse);
    // The same reply as in the second conversation, to a client whose user asked for TLS.
    let found = witness(&world, |world, state| world.is_terminal(state)).is_some();
    assert!(found);
    let text = {
        let mut state = world.initial().state;
        let mut steps = Vec::new();
        let hello = upward_model::message::Segment::one(upward_model::message::Command::Hello);
        let meet = upward_model::message::Segment::one(upward_model::message::Reply::offer(true));
        for action in [Action::ToServer(hello), Action::ToClient(meet), Action::ToClient(refused)] {
            let next = world.next(&state, &action).expect("possible");
            steps.push(upward_model::walk::WitnessStep {
                before: state.clone(),
                action,
                price: 0,
                after: next.state.clone(),
            });
            state = next.state;
        }
        assert!(world.is_terminal(&state) && state.broken().is_empty());
        let found = upward_model::walk::Witness { initial: world.initial().state, steps };
        dialogue::witness(&world, &found).join("\n")
    };
    insta::assert_snapshot!("manual_3_required", text);
}

#[test]
fn the_least_dialogue_for_each_flaw() {
    for protocol in PROTOCOLS {
        let mut text = String::new();
        for &flaw in Flaw::ALL {
            let report = flaw_report(protocol, flaw, Policy::Required, Attacker::Active);
            let Some((property, found)) = report.witness else { continue };
            let setting = Setting::of(Attacker::Active);
            let world = flawed_world(protocol, flaw, &report.sessions, setting).counted();
            writeln!(text, "== {flaw}: {property}").unwrap();
            for line in dialogue::witness(&world, &found) {
                writeln!(text, "{line}").unwrap();
            }
        }
        insta::assert_snapshot!(format!("flaws_{}", protocol.name), text);
    }
}
