//! The theorems: computed equals claimed, two engines agree, and every flaw breaks what it should.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::flaw_reports::REPORTS;
use crate::in_parallel::in_parallel;
use crate::matrices::matrix_of;
use upward_model::check::check;
use upward_model::client::Negotiator;
use upward_model::flaw::Flaw;
use upward_model::machine::{ClientMachine, compile_client};
use upward_model::message::Bounds;
use upward_model::policy::Policy;
use upward_model::property::Property;
use upward_model::protocol::{Level, MANUAL, PROTOCOLS, Protocol, SMTP};
use upward_model::theorem::{Cell, Claim, Computed, claim, earn, flawed_world, matrix_beyond};
use upward_model::variant::Variant;
use upward_model::walk::{Extent, walk};
use upward_model::world::{Attacker, Offering, Setting, World};

#[test]
fn what_is_claimed_is_what_is_computed() {
    for protocol in PROTOCOLS {
        for column in matrix_of(protocol) {
            assert_eq!(column.walk.extent, Extent::Exhaustive);
            assert_eq!(column.walk.stuck, 0, "{} {:?}", protocol.name, column.setting);
            for cell in &column.cells {
                assert!(cell.agrees(), "{} {column} {cell:?}", protocol.name);
            }
        }
    }
}

/// Every cell, so that one that is no longer put to the test is seen. A column is a policy (for two
/// sessions, both), an attacker and a server.
#[test]
fn the_matrix_of_each_protocol() {
    for protocol in PROTOCOLS {
        let columns = matrix_of(protocol);
        let mut text = String::new();
        for (index, column) in columns.iter().enumerate() {
            writeln!(text, "{index:>2} {column}").unwrap();
        }
        let legend = "H holds, B broken, t trivial, . not applicable, - not claimed";
        writeln!(text, "\n{legend}").unwrap();
        for (index, property) in Property::ALL.iter().enumerate() {
            let letters: String = columns
                .iter()
                .map(|column| match (column.cells[index].claim.0, column.cells[index].computed) {
                    (Claim::NotClaimed, _) => '-',
                    (_, Computed::Holds) => 'H',
                    (_, Computed::Broken) => 'B',
                    (_, Computed::Trivial) => 't',
                    (_, Computed::NotApplicable) => '.',
                    (_, Computed::Bounded) => '?',
                })
                .collect();
            writeln!(text, "{:<38} {letters}", property.name()).unwrap();
        }
        insta::assert_snapshot!(format!("matrix_{}", protocol.name), text);
    }
}

/// Choices may hide mistakes from each other: each pair, for all protocols; all combinations for the smallest.
/// Those that make the same machine are walked once.
#[test]
#[ignore = "a long walk: .ci/run runs it"]
fn choices_hide_no_mistakes_from_each_other() {
    let all = PROTOCOLS.into_iter().flat_map(|protocol| {
        let most = if protocol.name == MANUAL.name { usize::MAX } else { 2 };
        distinct(protocol, most).into_iter().map(move |variant| (protocol, variant))
    });
    in_parallel(all, |(protocol, variant)| is_sound(protocol, variant));
}

mod nightly {
    use super::{SMTP, distinct, in_parallel, is_sound};

    #[test]
    #[ignore = "a longer walk: .ci/nightly runs it"]
    fn every_combination_of_choices_is_sound() {
        in_parallel(distinct(&SMTP, usize::MAX), |variant| is_sound(&SMTP, variant));
    }
}

/// The combinations of choices, up to this many, that make machines of their own. Those that read laxly are
/// kept apart, since less is asked of them.
fn distinct(protocol: &'static Protocol, most: usize) -> Vec<Variant> {
    let mut known: Vec<(Variant, ClientMachine<Negotiator>)> = Vec::new();
    for variant in Variant::all().into_iter().filter(|v| v.differences().len() <= most) {
        let client = Negotiator::sound(protocol, Policy::Required).with_variant(variant);
        let machine = compile_client(&client, protocol, Bounds::STANDARD);
        let same = |(other, like): &(Variant, ClientMachine<Negotiator>)| {
            other.reads_laxly == variant.reads_laxly && machine.behaves_like(like)
        };
        if !known.iter().any(same) {
            known.push((variant, machine));
        }
    }
    known.into_iter().map(|(variant, _)| variant).collect()
}

fn is_sound(protocol: &'static Protocol, variant: Variant) {
    let servers = [
        (Attacker::Active, Offering::Both),
        (Attacker::Active, Offering::Upgrade),
        (Attacker::Passive, Offering::Upgrade),
    ];
    let policy = Policy::Required;
    let client = Negotiator::sound(protocol, policy).with_variant(variant);
    let sound = World::new(protocol, client, vec![policy], Setting::of(Attacker::Active));
    for (attacker, offering) in servers {
        let setting = Setting { offering, ..Setting::of(attacker) };
        let found = walk(&sound.in_setting(setting), None);
        for property in found.broken.iter() {
            let claimed = claim(protocol, policy, &setting, property).0;
            // For a client that accepts any positive reply as an answer, `agreement` may break.
            let lax = variant.reads_laxly && property == Property::Agreement;
            assert!(claimed != Claim::Holds || lax, "{} {property}", variant.name());
        }
    }
}

/// Each choice where most is asked for: one session under `required`, and a network that attacks or listens.
#[test]
fn each_choice_is_sound_under_required() {
    let all = PROTOCOLS.into_iter().flat_map(|protocol| {
        distinct(protocol, 1).into_iter().map(move |variant| (protocol, variant))
    });
    in_parallel(all, |(protocol, variant)| is_sound(protocol, variant));
}

/// Each choice in each column of the matrix.
#[test]
#[ignore = "a long walk: .ci/run runs it"]
fn every_sound_variant_is_sound() {
    let all = PROTOCOLS.into_iter().flat_map(|protocol| {
        let variants = Variant::single().into_iter().filter(|&variant| variant != Variant::COMMON);
        variants.map(move |variant| (protocol, variant))
    });
    in_parallel(all, |(protocol, variant)| {
        for column in matrix_beyond(protocol, variant) {
            for cell in &column.cells {
                // A claim that something is broken is about the common client.
                let kept = cell.claim.0 != Claim::Holds || cell.agrees();
                // For a client that accepts any positive reply as an answer, `agreement` may break.
                let lax = variant.reads_laxly && cell.property == Property::Agreement;
                // A client that sends no host name inside TLS reaches the host that was named in clear.
                let unsaid = !variant.asks_inside;
                let unnamed = unsaid && cell.property == Property::DeliversToNamedHost;
                assert!(
                    kept || lax || unnamed,
                    "{} {} {column} {cell:?}",
                    protocol.name,
                    variant.name(),
                );
            }
        }
    });
}

/// A property that nothing could break proves nothing: the table of what breaks each cell is computed anew.
/// A new protocol, flaw or column changes it; the lines to put in its place are printed.
#[test]
#[ignore = "a long walk: .ci/run runs it"]
fn what_holds_is_earned() {
    let stale: String = in_parallel(PROTOCOLS, |protocol| {
        let rows = include_str!("../../src/theorem/earned.txt").lines();
        let known: Vec<&str> =
            rows.filter(|row| row.starts_with(&format!("{} |", protocol.name))).collect();
        let earned = earn(protocol);
        let is_known = earned.lines().collect::<Vec<_>>() == known;
        if is_known { String::new() } else { earned }
    })
    .concat();
    assert!(
        stale.is_empty(),
        "model/src/theorem/earned.txt, in place of these protocols:\n{stale}"
    );
}

/// A property that holds because no mistake is known that breaks it is no theorem.
#[test]
fn every_must_is_put_to_the_test_somewhere() {
    let holds = |cell: &Cell| cell.computed == Computed::Holds;
    let mut held = BTreeSet::new();
    let mut musts = BTreeSet::new();
    for protocol in PROTOCOLS {
        let must = |property: &Property| protocol.level(*property).0 == Level::Must;
        musts.extend(Property::ALL.iter().copied().filter(must));
        let columns = matrix_of(protocol);
        let cells = columns.iter().flat_map(|column| &column.cells).filter(|cell| holds(cell));
        held.extend(cells.map(|cell| cell.property).filter(must));
    }
    assert_eq!(musts.difference(&held).collect::<Vec<_>>(), Vec::<&Property>::new());
}

#[test]
fn every_flaw_breaks_something_and_every_must_is_broken_by_a_flaw() {
    // Three messages in a segment are needed to break it: bounds.rs.
    let mut broken = vec![Property::SurvivorsOnlyCauseRefusal];
    let mut table = String::new();
    for (index, flaw) in Flaw::ALL.iter().enumerate() {
        let mut anywhere = false;
        for (protocol, reports) in REPORTS.iter() {
            let report = &reports[index];
            anywhere |= !report.broken.is_empty();
            broken.extend(report.broken.iter());
            let names: Vec<&str> = report.broken.iter().map(Property::name).collect();
            let names = if names.is_empty() { "n/a".to_owned() } else { names.join(", ") };
            writeln!(table, "{flaw:<36} {:<12} {names}", protocol.name).unwrap();
        }
        assert!(anywhere, "{flaw} breaks nothing in any protocol");
    }
    for &property in Property::ALL {
        let must = PROTOCOLS.iter().any(|protocol| protocol.level(property).0 == Level::Must);
        // The first breaks without an attacker, the second where two hosts share a certificate: the cells
        // that hold are earned in `what_holds_is_earned`.
        let elsewhere = [Property::HonestDelivers, Property::DeliversToNamedHost];
        if must && !elsewhere.contains(&property) {
            assert!(broken.contains(&property), "no flaw breaks {property}");
        }
    }
    insta::assert_snapshot!("flaws", table);
}

#[test]
fn stateright_finds_the_same() {
    let mut table = String::new();
    for protocol in PROTOCOLS {
        for policy in Policy::ALL {
            for attacker in [Attacker::Passive, Attacker::Active] {
                let world = || {
                    let client = Negotiator::sound(protocol, policy);
                    World::new(protocol, client, vec![policy], Setting::of(attacker))
                };
                let walked = walk(&world(), None);
                let checked = check(world());
                assert_eq!(checked.states, walked.states);
                // stateright counts the initial state as generated.
                assert_eq!(checked.generated, walked.transitions + 1);
                assert_eq!(checked.broken, walked.broken);
                assert_eq!(checked.delivers, walked.delivers);
                writeln!(
                    table,
                    "{:<12} {policy:<14} {:<8} {:>7} states {:>8} transitions",
                    protocol.name,
                    attacker.name(),
                    walked.states,
                    walked.transitions
                )
                .unwrap();
            }
        }
    }
    insta::assert_snapshot!("counts", table);
}

#[test]
fn stateright_finds_every_flaw_as_well() {
    for protocol in [&MANUAL, &SMTP] {
        for &flaw in Flaw::ALL {
            let world =
                || flawed_world(protocol, flaw, &[Policy::Required], Setting::of(Attacker::Active));
            let walked = walk(&world(), None);
            let checked = check(world());
            assert_eq!(checked.states, walked.states, "{flaw}");
            assert_eq!(checked.generated, walked.transitions + 1, "{flaw}");
            assert_eq!(checked.broken, walked.broken, "{flaw}");
        }
    }
}
