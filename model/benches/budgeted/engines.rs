//! The model in our walker and in stateright, and what each of them found.

pub(crate) mod model;

use stateright::{Checker, Model, Property};
use upward_model::walk::{Store, explore};

use self::model::{Action, Budgeted, State};

/// The same model for SPIN.
pub(crate) const PROMELA: &str = include_str!("budgeted.pml");

/// What an engine found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Distinct states.
    pub(crate) states: usize,
    /// Transitions.
    pub(crate) transitions: usize,
    /// The properties that some state breaks, as bits.
    pub(crate) broken: u32,
    /// Whether some state is a delivery.
    pub(crate) delivers: bool,
}

/// Our walker: what it found, and its store.
pub(crate) fn walker(model: Budgeted) -> (Found, Store<State>) {
    let mut broken = 0;
    let mut delivers = false;
    let mut actions = Vec::new();
    let explored = explore(model.initial(), None, |state, successors| {
        broken |= state.broken();
        delivers |= state.is_delivered();
        model.actions(state, &mut actions);
        successors.extend(actions.drain(..).map(|action| model.next(state, action)));
    });
    let (states, transitions) = (explored.store.len(), explored.transitions);
    (Found { states, transitions, broken, delivers }, explored.store)
}

/// stateright, depth first on one thread; it keeps hashes, not states.
pub(crate) fn stateright(model: Budgeted) -> Found {
    let checker = model.checker().threads(1).spawn_dfs().join();
    let found = checker.discoveries();
    let bits = BROKEN.iter().filter(|(name, _)| found.contains_key(name)).map(|(_, bit)| bit);
    Found {
        states: checker.unique_state_count(),
        // It counts what it generates, and so the first state as well.
        transitions: checker.state_count() - 1,
        broken: bits.sum(),
        delivers: found.contains_key(DELIVERY),
    }
}

impl Model for Budgeted {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![self.initial()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        Self::actions(self, state, actions);
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        Some(self.next(state, action))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let [(leaked, _), (betrayed, _), (misled, _)] = BROKEN;
        vec![
            Property::always(leaked, |_, state: &State| state.broken() & BROKEN[0].1 == 0),
            Property::always(betrayed, |_, state: &State| state.broken() & BROKEN[1].1 == 0),
            Property::always(misled, |_, state: &State| state.broken() & BROKEN[2].1 == 0),
            Property::sometimes(DELIVERY, |_, state: &State| state.is_delivered()),
            // Never met: it keeps the checker going to the last state.
            Property::sometimes("pump", |_, _: &State| false),
        ]
    }
}

/// The properties, and their bits.
const BROKEN: [(&str, u32); 3] = [("leaked", 1), ("betrayed", 2), ("misled", 4)];

/// The client reaches it.
const DELIVERY: &str = "delivery";
