//! Two sessions of one pool at the same time: sound pools keep what each policy promises, and each mistake of a pool
//! is found with its dialogue.

use std::fmt::Write as _;

use rustc_hash::FxHashSet;
use upward_model::client::{Negotiator, Pooled, Sharing};
use upward_model::concurrent::{Found, Pool};
use upward_model::policy::Policy::{self, Opportunistic, Required};
use upward_model::property::{Properties, Property as P};
use upward_model::protocol::{MANUAL, Protocol, SMTP};
use upward_model::theorem::{Claim, claim};
use upward_model::walk::{Extent, Walk, walk};
use upward_model::world::{Attacker, Setting, World};

const ACTIVE: Setting = Setting::of(Attacker::Active);
const PAIRS: [[Policy; 2]; 2] = [[Required, Required], [Required, Opportunistic]];
const SOUND: [Sharing; 2] = [Sharing::Nothing, Sharing::Authenticated];

/// The same session in no pool.
fn alone(protocol: &'static Protocol, policy: Policy, setting: Setting) -> Walk {
    let client = Negotiator::sound(protocol, policy);
    walk(&World::new(protocol, client, vec![policy], setting), None)
}

fn pool(protocol: &'static Protocol, policies: [Policy; 2], sharing: Sharing) -> Pool {
    Pool::new(protocol, policies, sharing, ACTIVE)
}

/// What is broken in a pool and not by the same session in no pool, by session.
fn harm(protocol: &'static Protocol, policies: [Policy; 2], broken: [Properties; 2]) -> String {
    let of = |lane: usize| -> Properties {
        let alone = alone(protocol, policies[lane], ACTIVE).broken;
        broken[lane].iter().filter(|&property| !alone.has(property)).collect()
    };
    format!("#1 {:?} #2 {:?}", of(0), of(1))
}

/// Each session of a sound pool breaks what it breaks in no pool, and nothing that is claimed for its policy.
#[test]
fn sound_pools_keep_the_policy() {
    let mut table = String::new();
    for protocol in [&MANUAL, &SMTP] {
        for policies in PAIRS {
            for sharing in SOUND {
                for attacker in [Attacker::Passive, Attacker::Active] {
                    let setting = Setting::of(attacker);
                    let found = Pool::new(protocol, policies, sharing, setting).walk();
                    is_sound(protocol, policies, setting, &found);
                    let [one, other] = policies;
                    let (name, sharing, attacker) =
                        (protocol.name, sharing.name(), attacker.name());
                    let Found { states, transitions, ends, .. } = found;
                    writeln!(
                        table,
                        "{name:<6} {one} + {other:<13} {sharing:<13} {attacker:<7} {states:>8} states {transitions:>10} transitions {ends:>3} ends"
                    )
                    .unwrap();
                }
            }
        }
    }
    insta::assert_snapshot!(table);
}

fn is_sound(protocol: &'static Protocol, policies: [Policy; 2], setting: Setting, found: &Found) {
    assert_eq!((found.extent, found.stuck), (Extent::Exhaustive, 0));
    assert!(found.delivers && !found.strays, "{found:?}");
    for (policy, broken) in policies.into_iter().zip(found.broken) {
        assert_eq!(broken, alone(protocol, policy, setting).broken, "{} {policy}", protocol.name);
        let claimed = |&property: &P| claim(protocol, policy, &setting, property).0 == Claim::Holds;
        assert_eq!(broken.iter().find(claimed), None, "{} {policy}", protocol.name);
    }
}

/// Where nothing is shared, the lanes are independent: each state of one meets each state of the other, and each has
/// one state more, before its session begins.
#[test]
fn a_pool_that_shares_nothing_is_a_product() {
    for protocol in [&MANUAL, &SMTP] {
        for policies in PAIRS {
            let [one, other] = policies.map(|policy| alone(protocol, policy, ACTIVE));
            let found = pool(protocol, policies, Sharing::Nothing).walk();
            assert_eq!(found.states, (one.states + 1) * (other.states + 1));
            assert_eq!(found.ends, one.ends * other.ends);
        }
    }
}

/// The same for any number of sessions of either policy: each finds the memory as any other may have left it.
#[test]
fn sound_pools_keep_the_policy_for_any_number_of_sessions() {
    let mut table = String::new();
    for protocol in [&MANUAL, &SMTP] {
        for sharing in SOUND {
            let policies = [Required, Opportunistic];
            let any = pool(protocol, policies, sharing).among_any();
            assert_eq!((any.extent, any.strays), (Extent::Exhaustive, false));
            assert_eq!(any.broken, policies.map(|policy| alone(protocol, policy, ACTIVE).broken));
            let [one, other] = any.states;
            writeln!(table, "{:<6} {:<13} {one} {other}", protocol.name, sharing.name()).unwrap();
        }
    }
    insta::assert_snapshot!(table);
}

/// What the sessions of a flawed pool do because of each other, they do not do by themselves.
#[test]
fn no_mistake_of_a_pool_shows_in_a_single_session() {
    for protocol in [&MANUAL, &SMTP] {
        for policy in [Required, Opportunistic] {
            let expected = alone(protocol, policy, ACTIVE).broken;
            for sharing in Sharing::MISTAKES {
                let client = Pooled::new(protocol, 0, policy, sharing);
                let found = walk(&World::new(protocol, client, vec![policy], ACTIVE), None);
                assert_eq!(found.extent, Extent::Exhaustive);
                assert_eq!(found.broken, expected, "{} {policy} {sharing:?}", protocol.name);
            }
        }
    }
}

/// What each mistake breaks. The manual's protocol has no login, so that lists do no harm there; and the head of a line
/// does none, since the server says one thing to a client inside TLS.
#[test]
fn mistakes_of_a_pool_are_found() {
    let mut table = String::new();
    for policies in PAIRS {
        let [one, other] = policies;
        for sharing in Sharing::MISTAKES {
            let found = pool(&MANUAL, policies, sharing).walk();
            assert_eq!((found.extent, found.stuck), (Extent::Exhaustive, 0));
            let broken = harm(&MANUAL, policies, found.broken);
            let strays = if found.strays { ", data stray" } else { "" };
            writeln!(table, "{one} + {other} {}: {broken}{strays}", sharing.name()).unwrap();
        }
    }
    insta::assert_snapshot!(table);
}

/// The least dialogue of a pool's mistake.
fn dialogue(
    protocol: &'static Protocol,
    policies: [Policy; 2],
    sharing: Sharing,
    session: usize,
    property: P,
) -> String {
    let pool = pool(protocol, policies, sharing).counted();
    let lines = pool.counterexample(session, property).unwrap();
    lines.join("\n")
}

/// A name, the protocol, the policies, the mistake, the session that is harmed, and the property that is broken.
type Harm = (&'static str, &'static Protocol, [Policy; 2], Sharing, usize, P);

/// A dialogue for each mistake, with the session that is harmed, and how.
const HARMS: [Harm; 10] = [
    ("refusals", &MANUAL, PAIRS[0], Sharing::Refusals, 1, P::NoSecretInClear),
    ("refusals_opportunistic", &SMTP, PAIRS[1], Sharing::Refusals, 0, P::NoSecretInClear),
    ("clear_lists", &SMTP, PAIRS[0], Sharing::ClearLists, 0, P::ClearKnowledgeForgotten),
    ("unchecked_lists", &SMTP, PAIRS[1], Sharing::UncheckedLists, 0, P::ClearKnowledgeForgotten),
    ("buffer", &SMTP, PAIRS[0], Sharing::Buffer, 0, P::ClearKnowledgeForgotten),
    ("certificates", &MANUAL, PAIRS[1], Sharing::Certificates, 0, P::NoSecretToUnauthenticatedPeer),
    ("connections", &MANUAL, PAIRS[0], Sharing::Connections, 1, P::NoSecretInClear),
    ("outbox", &MANUAL, PAIRS[0], Sharing::Outbox, 0, P::OnlyDenialOfService),
    ("outbox_opportunistic", &MANUAL, PAIRS[1], Sharing::Outbox, 0, P::NoSecretInClear),
    ("confirmations", &MANUAL, PAIRS[0], Sharing::Confirmations, 0, P::OnlyDenialOfService),
];

#[test]
fn each_mistake_has_its_dialogue() {
    for (name, protocol, policies, sharing, session, property) in HARMS {
        let said = dialogue(protocol, policies, sharing, session, property);
        insta::assert_snapshot!(name, said);
    }
    for sharing in Sharing::MISTAKES {
        assert!(HARMS.iter().any(|harm| harm.3 == sharing), "{sharing:?}");
    }
}

/// A second way to explore: whole states in a set, no numbers, no rows, each event by itself.
#[test]
#[ignore = "a long walk: .ci/run runs it"]
fn a_plain_search_finds_the_same() {
    let sharings = [
        (PAIRS[0], Sharing::Authenticated),
        (PAIRS[1], Sharing::Authenticated),
        (PAIRS[0], Sharing::Connections),
        (PAIRS[1], Sharing::Outbox),
    ];
    for (policies, sharing) in sharings {
        let pool = pool(&MANUAL, policies, sharing);
        let found = pool.walk();
        let mut known = FxHashSet::from_iter([pool.initial()]);
        let mut waiting = vec![pool.initial()];
        let mut plain =
            Found { extent: found.extent, delivers: found.delivers, ..Found::default() };
        while let Some(state) = waiting.pop() {
            let choices = pool.choices(&state);
            plain.states += 1;
            plain.transitions += choices.len();
            plain.ends += usize::from(pool.is_terminal(&state));
            plain.stuck += usize::from(choices.is_empty() && !pool.is_terminal(&state));
            plain.strays |= pool.strays(&state);
            for (all, broken) in plain.broken.iter_mut().zip(pool.broken(&state)) {
                all.extend(broken);
            }
            for (lane, event) in choices {
                let next = pool.next(&state, lane, &event).unwrap();
                if known.insert(next.clone()) {
                    waiting.push(next);
                }
            }
        }
        assert_eq!(plain, found, "{policies:?} {sharing:?}");
    }
}
