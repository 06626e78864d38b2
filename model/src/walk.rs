//! The project's own walker: explores the whole graph of a world, or any graph, breadth first, and
//! finds the shortest witness of a goal.
//!
//! Exact states, no hash compaction, one thread, a fixed order: the same world gives the same counts,
//! the same first states and the same witnesses on every machine. It never stops early; the type of the
//! result says if a walk was incomplete.
//!
//! *State*: a distinct [state](crate::world::State), the initial one included. *Transition*: a possible
//! action in a state, even if it leads back to that state; actions that client and server cannot
//! distinguish count once.

mod store;
mod witness;

use std::hash::Hash;

use rustc_hash::FxHashSet;

use crate::client::Client;
use crate::property::Properties;
use crate::world::{Action, State, World};

pub use self::store::{Entry, Store};
pub(crate) use self::witness::tell;
pub use self::witness::{Goal, Witness, WitnessStep, counterexample, through, witness};

/// The result of a walk; the default is that of no walk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walk {
    /// Distinct states.
    pub states: usize,
    /// Transitions.
    pub transitions: usize,
    /// States in which all sessions have ended.
    pub ends: usize,
    /// States without a transition that are not ends: none, if the model is right.
    pub stuck: usize,
    /// Properties broken in some state.
    pub broken: Properties,
    /// Whether some end is a delivery in every session.
    pub delivers: bool,
    /// Whether every state was visited.
    pub extent: Extent,
}

/// Whether a walk is a proof.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Extent {
    /// Every reachable state was visited.
    Exhaustive,
    /// The walk was incomplete, or the client's view does not match its outputs: it proves nothing.
    #[default]
    Bounded,
}

/// Visits every reachable state, up to a limit of states.
pub fn walk<C: Client>(world: &World<C>, limit: Option<usize>) -> Walk {
    visit(world, limit, |_, _| {})
}

/// The same; also passes each possible action, with its state, to `each`.
pub(crate) fn visit<C: Client>(
    world: &World<C>,
    limit: Option<usize>,
    mut each: impl FnMut(&State, &Action),
) -> Walk {
    // A machine that has run out of ids does not represent its party.
    let complete = world.clients().is_complete() && world.servers().is_complete();
    let first = world.initial();
    let mut found = Walk::default();
    let mut fits = true;
    let mut choices = Vec::new();
    let explored = explore(first.state, limit, |state, successors| {
        found.broken.extend(world.broken(state));
        fits &= world.view_fits(state);
        if world.is_terminal(state) {
            found.ends += 1;
            found.delivers |= state.all_delivered();
            return;
        }
        world.choose(state, &mut choices);
        for choice in &choices {
            let Some(next) = world.after(state, choice) else { continue };
            each(state, &choice.action);
            successors.push(next);
        }
        found.stuck += usize::from(successors.is_empty());
    });
    found.states = explored.store.len();
    found.transitions = explored.transitions;
    found.extent = if complete && fits { explored.extent } else { Extent::Bounded };
    found
}

/// Which of these properties some reachable state breaks. The walk is depth first, and ends when all of
/// them are broken.
pub fn breaks<C: Client>(world: &World<C>, wanted: Properties) -> Properties {
    let mut broken = Properties::NONE;
    let first = world.initial().state;
    let mut known = FxHashSet::default();
    known.insert(first.clone());
    let mut stack = vec![first];
    while let Some(state) = stack.pop() {
        broken.extend(world.broken(&state));
        if wanted.iter().all(|property| broken.has(property)) {
            break;
        }
        // The first choice is followed first.
        for choice in world.choices(&state).into_iter().rev() {
            if let Some(next) = world.after(&state, &choice)
                && known.insert(next.clone())
            {
                stack.push(next);
            }
        }
    }
    wanted.iter().filter(|&property| broken.has(property)).collect()
}

/// The result of exploring a graph.
#[derive(Clone, Debug)]
pub struct Explored<S> {
    /// Its states, in the order in which they were found.
    pub store: Store<S>,
    /// Its transitions.
    pub transitions: usize,
    /// Whether every state was visited.
    pub extent: Extent,
}

/// Walks any graph breadth first: all states that can be reached from a state, up to a limit.
///
/// Each state is passed on once; the callee pushes its successors, one for each transition. The
/// shortest path to a state is [its way](Store::way).
///
/// ```
/// use upward_model::walk::explore;
///
/// // Double it or take one away, modulo 10.
/// let explored = explore(1_u8, None, |n, successors| successors.extend([n * 2 % 10, (n + 9) % 10]));
/// assert_eq!((explored.store.len(), explored.transitions), (10, 20));
/// assert_eq!(explored.store.get(5), Some(&8));
/// assert_eq!(explored.store.way(5), [&1, &2, &4, &8]);
/// ```
pub fn explore<S: Eq + Hash>(
    first: S,
    limit: Option<usize>,
    mut expand: impl FnMut(&S, &mut Vec<S>),
) -> Explored<S> {
    let store = Store::new(first, limit.unwrap_or(usize::MAX));
    let mut explored = Explored { store, transitions: 0, extent: Extent::Exhaustive };
    let mut successors = Vec::new();
    let mut index = 0;
    while let Some(state) = explored.store.get(index) {
        expand(state, &mut successors);
        explored.transitions += successors.len();
        for successor in successors.drain(..) {
            if explored.store.insert(successor, index) == Entry::Full {
                explored.extent = Extent::Bounded;
            }
        }
        index += 1;
    }
    explored
}
