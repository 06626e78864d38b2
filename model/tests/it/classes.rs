//! Exploration by classes of segments finds what exploration by single segments finds.
//!
//! The walk of a world gives a party one segment for all those that it cannot tell apart. Here each
//! segment is given by itself, to clients and servers made at random.

use std::collections::HashSet;

use upward_model::client::Client;
use upward_model::flaw::{Flaw, Flaws, Side};
use upward_model::message::{Bounds, Command, Reply, Segment};
use upward_model::policy::Policy;
use upward_model::property::{Properties, Property};
use upward_model::protocol::{FTP, MANAGESIEVE, MANUAL, Protocol};
use upward_model::server::{Hosts, Phase};
use upward_model::world::{Action, Attacker, Offering, Setting, State, Wire, World};

use crate::random_client::{Dice, RandomClient};
use crate::wrong_clients::BelievesClearText;

/// What an exploration found.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    states: HashSet<State>,
    broken: Properties,
    delivers: bool,
}

/// Explores with these actions in each state.
fn explore<C: Client>(world: &World<C>, actions: impl Fn(&State) -> Vec<Action>) -> Found {
    let first = world.initial().state;
    let mut found = Found::default();
    let mut waiting = vec![first.clone()];
    found.states.insert(first);
    while let Some(state) = waiting.pop() {
        found.broken.extend(world.broken(&state));
        found.delivers |= state.all_delivered();
        for action in actions(&state) {
            if let Some(transition) = world.next(&state, &action)
                && found.states.insert(transition.state.clone())
            {
                waiting.push(transition.state);
            }
        }
    }
    found
}

fn by_classes<C: Client>(world: &World<C>) -> Found {
    explore(world, |state| world.choices(state).into_iter().map(|it| it.action).collect())
}

/// Every segment, wherever the attacker can write to a party that reads.
fn by_segments<C: Client>(world: &World<C>) -> Found {
    let protocol = world.protocol;
    let replies = Segment::<Reply>::all(&protocol.replies(), protocol.fragments, world.bounds);
    let commands = Segment::<Command>::all(&protocol.commands(), protocol.fragments, world.bounds);
    explore(world, |state| {
        let others: Vec<Action> = world.choices(state).into_iter().map(|it| it.action).collect();
        if world.is_terminal(state) || world.attacker == Attacker::Passive {
            return others;
        }
        let channel = others.iter().any(|action| matches!(action, Action::Channel(_)));
        let segment = |it: &Action| matches!(it, Action::ToClient(_) | Action::ToServer(_));
        let mut actions: Vec<Action> = match state.wire() {
            // Inside TLS with the true server the network delivers what that server said.
            Wire::Secure => return others,
            _ => others.into_iter().filter(|action| !segment(action)).collect(),
        };
        let clear = matches!(state.wire(), Wire::Clear | Wire::Handshake);
        if !channel && (clear || matches!(state.wire(), Wire::False(_))) {
            actions.extend(replies.iter().cloned().map(Action::ToClient));
        }
        if !channel && clear && world.server_phase(state) == Phase::Ready {
            actions.extend(commands.iter().cloned().map(Action::ToServer));
        }
        actions
    })
}

/// Both explorations of a world; what they found.
fn same<C: Client>(name: &str, world: &World<C>) -> Found {
    let (classes, segments) = (by_classes(world), by_segments(world));
    assert_eq!(classes.broken, segments.broken, "{name}");
    assert_eq!(classes.delivers, segments.delivers, "{name}");
    let missed = segments.states.difference(&classes.states).next();
    assert_eq!(missed, None, "{name}: reached by single segments only");
    assert_eq!(classes.states.len(), segments.states.len(), "{name}");
    classes
}

/// How many clients are made.
const CLIENTS: u64 = 80;

fn setting(dice: &mut Dice, protocol: &Protocol) -> Setting {
    let flaws: Vec<Flaw> = Flaw::of(Side::Server).filter(|_| dice.roll(4) == 0).collect();
    let hosts = [Hosts::One, Hosts::TwoCertificates, Hosts::OneCertificate];
    Setting {
        offering: Offering::ALL[dice.roll(Offering::ALL.len())],
        hosts: hosts[dice.roll(hosts.len())],
        server_flaws: Flaws::of(&flaws),
        // Where the alphabet is large, one message a segment has to do: it may be a fragment.
        bounds: Bounds { messages: if protocol == &MANUAL { 2 } else { 1 } },
        ..Setting::of(if dice.roll(8) == 0 { Attacker::Passive } else { Attacker::Active })
    }
}

#[test]
fn random_parties_are_explored_alike() {
    // One with a second channel, and one whose server speaks first inside TLS. The manual's alphabet is
    // the smallest, and its client says in clear which host it wants.
    let protocols: [&'static Protocol; 3] = [&MANUAL, &MANAGESIEVE, &FTP];
    let (mut broken, mut deliver) = (Properties::NONE, 0);
    for seed in 0..CLIENTS {
        let mut dice = Dice::new(seed);
        let protocol = protocols[usize::from(seed % 10 == 1) + 2 * usize::from(seed % 10 == 2)];
        let setting = setting(&mut dice, protocol);
        let sessions = match dice.roll(3) {
            // Two sessions with a second channel each have too many states to try each segment.
            _ if protocol == &FTP => vec![Policy::Required],
            0 => vec![Policy::Required, Policy::Required],
            1 => vec![Policy::Opportunistic, Policy::Required],
            _ => vec![Policy::Required],
        };
        let client = RandomClient::new(seed, protocol, sessions.len());
        let world = World::new(protocol, client, sessions, setting);
        let found = same(&format!("seed {seed}, {}, {setting:?}", protocol.name), &world);
        broken.extend(found.broken);
        deliver += usize::from(found.delivers);
    }
    // The clients are worth the trouble: they leak, forge, deliver, and fool their users.
    for property in [
        Property::NoSecretInClear,
        Property::NoSecretToUnauthenticatedPeer,
        Property::OnlyDenialOfService,
        Property::ClearKnowledgeForgotten,
        Property::NoClearCommandUsedInsideTls,
        Property::UserTold,
    ] {
        assert!(broken.has(property), "no client breaks {property}");
    }
    assert!(deliver > 0, "no client delivers");
}

/// The client that inputs of different kinds once made invisible: clear text did the same as a good
/// certificate.
#[test]
fn clear_text_is_no_handshake_by_either_exploration() {
    let setting = Setting::of(Attacker::Active);
    let world = World::new(&MANUAL, BelievesClearText, vec![Policy::Required], setting);
    let found = same("clear text for a certificate", &world);
    assert!(found.broken.has(Property::NoSecretInClear));
    assert!(found.broken.has(Property::OnlyDenialOfService));
}
