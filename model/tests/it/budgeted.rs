//! The benchmark model, with a smaller budget: our walker, stateright and SPIN find the same states,
//! the same transitions and the same flaws in it, so that the benchmark compares the same work.
//!
//! SPIN and a C compiler are needed for its part, as for the other models.

#[path = "../../benches/budgeted/engines.rs"]
mod engines;

use crate::spin;
use engines::model::{Budgeted, Flaw};
use engines::{Found, PROMELA, stateright, walker};

/// Each client, its name in the Promela text, where it matters, and what it does under two actions of the attacker.
const CLIENTS: [(Flaw, &str, Found); 3] = [
    (Flaw::None, "SOUND", found(18_625, 43_419, 0)),
    (Flaw::BelievesAnyone, "BELIEVES_ANYONE", found(19_099, 44_363, 2)),
    (Flaw::KeepsBuffer, "KEEPS_BUFFER", found(20_521, 47_080, 4)),
];

const fn found(states: usize, transitions: usize, broken: u32) -> Found {
    Found { states, transitions, broken, delivers: true }
}

#[test]
fn walker_and_stateright_find_the_same() {
    for (flaw, _, expected) in CLIENTS {
        let model = Budgeted { budget: 2, flaw };
        assert_eq!(walker(model).0, expected, "{flaw:?}");
        assert_eq!(stateright(model), expected, "{flaw:?}");
    }
}

#[test]
fn spin_finds_the_same() {
    if !spin::available() {
        return;
    }
    for (_, client, expected) in CLIENTS {
        assert_eq!(spun(client, client, PROMELA), expected, "{client}");
    }
}

/// The comparison can fail: a change of any party's steps shows in the counts.
#[test]
fn planted_errors_are_noticed() {
    if !spin::available() {
        return;
    }
    let planted = [
        ("word == UPGRADE && server == S_CLEAR ->\n        read0 = 0;", "word == UPGRADE ->"),
        ("word == OFFER || word == BARE", "word == OFFER"),
        ("to_client1 & 127", "to_client1"),
    ];
    let (_, client, expected) = CLIENTS[0];
    for (index, (right, wrong)) in planted.into_iter().enumerate() {
        assert!(PROMELA.contains(right), "{right}");
        let text = PROMELA.replace(right, wrong);
        assert_ne!(spun(&format!("planted-{index}"), client, &text), expected, "{wrong}");
    }
}

/// SPIN has one state and one step more, for the start, and counts its first state as a step.
fn spun(name: &str, client: &str, text: &str) -> Found {
    let switches = ["-DBUDGET=2".to_owned(), format!("-D{client}")];
    let report = spin::explore(&format!("budgeted-{name}"), text, &switches);
    Found {
        states: report.states - 1,
        transitions: report.transitions - 2,
        broken: report.broken,
        delivers: report.delivers,
    }
}

/// The links of the store are steps of the model, and lead to the start.
#[test]
fn the_way_to_each_state_is_a_way() {
    let model = Budgeted { budget: 1, flaw: Flaw::None };
    let (found, store) = walker(model);
    for index in 0..found.states {
        let way = store.way(index);
        assert_eq!((*way[0], way.last().copied()), (model.initial(), store.get(index)));
        for step in way.windows(2) {
            let mut actions = Vec::new();
            model.actions(step[0], &mut actions);
            let mut next = actions.into_iter().map(|action| model.next(step[0], action));
            assert!(next.any(|state| state == *step[1]), "{step:?}");
        }
    }
}
