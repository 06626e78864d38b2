//! stateright as an independent checker: the same world, explored by another engine.
//!
//! stateright calls the same functions as the walker, so it checks only the exploration independently.
//! Because of its known limits, this uses no `eventually`, no bound on states, depth or time, one
//! thread, and a property that is never met, so that nothing stops early.

use std::net::ToSocketAddrs;

use stateright::{Checker, Model, Property as Check};

use crate::client::Client;
use crate::property::{Properties, Property};
use crate::world::{Action, State, World};

/// A world, as stateright sees it.
struct Checked<C: Client>(World<C>);

/// Conditions are plain functions without captures: one for each property.
macro_rules! conditions {
    ($($variant:ident),* $(,)?) => {
        fn conditions<C: Client + Send + Sync + 'static>() -> Vec<Check<Checked<C>>> {
            vec![$(Check::always(
                Property::$variant.name(),
                |_: &Checked<C>, state: &State| !state.broken().has(Property::$variant),
            ),)*]
        }
    };
}

conditions!(
    NoSecretInClear,
    NoSecretToUnauthenticatedPeer,
    NothingBetweenRequestAndHandshake,
    NoClearSecondChannel,
    NoClearRetry,
    NoClearRedirect,
    TlsNotTakenAway,
    NoClearBytesUsedInsideTls,
    NoClearCommandUsedInsideTls,
    ClearKnowledgeForgotten,
    ClearStateForgotten,
    SurvivorsOnlyCauseRefusal,
    NoJump,
    TruncationIsNotSuccess,
    Agreement,
    PolicyNotFromWire,
    NameFromUser,
    OnlyDenialOfService,
    UserTold,
    NoClearTextShownAsTrusted,
    NoClearDataHandedOver,
    AlwaysEnds,
    HonestDelivers,
    DeliversToNamedHost,
    NoLoginInClear,
    NoUpgradeInsideTls,
);

/// Never met: it makes the checker visit all states.
const PUMP: &str = "pump";

/// Met in states in which every session has ended in a delivery.
const DELIVERY: &str = "delivery";

impl<C: Client + Send + Sync + 'static> Model for Checked<C> {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![self.0.initial().state]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        actions.extend(self.0.choices(state).into_iter().map(|choice| choice.action));
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        self.0.next(state, &action).map(|transition| transition.state)
    }

    fn properties(&self) -> Vec<Check<Self>> {
        let mut checks = conditions();
        checks.push(Check::sometimes(DELIVERY, |_: &Self, state: &State| state.all_delivered()));
        checks.push(Check::sometimes(PUMP, |_: &Self, _: &State| false));
        checks
    }

    fn format_action(&self, action: &Action) -> String {
        action.to_string()
    }
}

/// The result of stateright.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkup {
    /// Distinct states, the initial one included.
    pub states: usize,
    /// Generated states: one for the initial state, and one for each transition.
    pub generated: usize,
    /// The properties that some state breaks.
    pub broken: Properties,
    /// Whether some state is a delivery in every session.
    pub delivers: bool,
}

/// Checks a world with stateright, depth first, on one thread.
pub fn check<C: Client + Send + Sync + 'static>(world: World<C>) -> Checkup {
    let checker = Checked(world).checker().threads(1).spawn_dfs().join();
    let found = checker.discoveries();
    Checkup {
        states: checker.unique_state_count(),
        generated: checker.state_count(),
        broken: Property::ALL.iter().copied().filter(|p| found.contains_key(p.name())).collect(),
        delivers: found.contains_key(DELIVERY),
    }
}

/// Serves stateright's explorer; does not return.
pub fn explore<C: Client + Send + Sync + 'static>(world: World<C>, address: impl ToSocketAddrs) {
    Checked(world).checker().serve(address);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_property_has_a_condition() {
        let conditions = conditions::<crate::client::Negotiator>();
        let names: Vec<&str> = conditions.iter().map(|check| check.name).collect();
        let all: Vec<&str> = Property::ALL.iter().map(|property| property.name()).collect();
        assert_eq!(names, all);
    }
}
