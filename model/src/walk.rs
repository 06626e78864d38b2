//! Our own walker: the whole graph of a world, breadth first, and the least witness of a goal.
//!
//! Exact states, no hash compaction, one thread, a fixed order: the same world gives the same
//! counts, the same first states and the same witnesses on every machine. It never stops early; a
//! walk that was cut short says so in its type.
//!
//! *State*: a distinct [state](crate::world::State), the initial one included. *Transition*: an action that is
//! possible in a state, those that lead back to it included; actions that client and server cannot
//! tell apart are one.

mod witness;

use crate::client::Client;
use crate::property::Properties;
use crate::world::{Action, State, World};

pub use self::witness::{Goal, Witness, WitnessStep, counterexample, through, witness};

/// What a walk found; by default, nothing has been walked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walk {
    /// Distinct states.
    pub states: usize,
    /// Transitions.
    pub transitions: usize,
    /// States in which all sessions have ended.
    pub ends: usize,
    /// States without a transition that are no ends: none, if the model is right.
    pub stuck: usize,
    /// Properties broken in some state.
    pub broken: Properties,
    /// Properties whose antecedent was met.
    pub tried: Properties,
    /// Whether some end is delivery in every session.
    pub delivers: bool,
    /// Whether every state was visited.
    pub extent: Extent,
}

/// Whether a walk is a proof.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Extent {
    /// Every reachable state was visited.
    Exhaustive,
    /// The walk was cut short and proves nothing.
    #[default]
    Bounded,
}

/// Visits every reachable state, up to a limit of states.
pub fn walk<C: Client>(world: &World<C>, limit: Option<usize>) -> Walk {
    visit(world, limit, |_, _| {})
}

/// The same; each action is shown, with the state in which it is possible.
pub(crate) fn visit<C: Client>(
    world: &World<C>,
    limit: Option<usize>,
    mut each: impl FnMut(&State, &Action),
) -> Walk {
    let limit = limit.unwrap_or(usize::MAX);
    // Machines whose ids ran out are no machines of these parties.
    let complete = world.clients().is_complete() && world.servers().is_complete();
    let extent = if complete { Extent::Exhaustive } else { Extent::Bounded };
    let mut found = Walk { extent, ..Walk::default() };
    let first = world.initial();
    found.tried.extend(first.tried);
    let mut known = rustc_hash::FxHashSet::default();
    known.insert(first.state.clone());
    let mut queue = std::collections::VecDeque::from([first.state]);
    while let Some(state) = queue.pop_front() {
        found.states += 1;
        found.broken.extend(world.broken(&state));
        if world.is_terminal(&state) {
            found.ends += 1;
            found.delivers |= state.all_delivered();
            continue;
        }
        let before = found.transitions;
        for choice in world.choices(&state) {
            let Some(transition) = world.next(&state, &choice.action) else { continue };
            each(&state, &choice.action);
            found.transitions += 1;
            found.tried.extend(choice.tried);
            found.tried.extend(transition.tried);
            if known.contains(&transition.state) {
                continue;
            }
            if known.len() >= limit {
                found.extent = Extent::Bounded;
                continue;
            }
            known.insert(transition.state.clone());
            queue.push_back(transition.state);
        }
        if found.transitions == before {
            found.stuck += 1;
        }
    }
    found
}
