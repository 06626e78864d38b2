//! Our own walker: the whole graph of a world, breadth first, and the least witness of a goal.
//!
//! Exact states, no hash compaction, one thread, a fixed order: the same world gives the same
//! counts, the same first states and the same witnesses on every machine. It never stops early; a
//! walk that was cut short says so in its type.
//!
//! *State*: a distinct [`State`], the initial one included. *Transition*: an action that is
//! possible in a state, those that lead back to it included; actions that client and server cannot
//! tell apart are one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rustc_hash::FxHashMap;

use crate::client::Client;
use crate::property::{Properties, Property};
use crate::world::{Action, State, World};

/// What a walk found.
#[derive(Clone, Debug, PartialEq, Eq)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Every reachable state was visited.
    Exhaustive,
    /// The walk was cut short and proves nothing.
    Bounded,
}

/// Visits every reachable state, up to a limit of states.
pub fn walk<C: Client>(world: &World<C>, limit: Option<usize>) -> Walk {
    let limit = limit.unwrap_or(usize::MAX);
    let mut found = Walk {
        states: 0,
        transitions: 0,
        ends: 0,
        stuck: 0,
        broken: Properties::NONE,
        tried: Properties::NONE,
        delivers: false,
        extent: Extent::Exhaustive,
    };
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

/// One step of a witness: what happened and where it led.
#[derive(Clone, Debug)]
pub struct WitnessStep {
    /// The state before.
    pub before: State,
    /// The action.
    pub action: Action,
    /// How many of its messages, or whether it itself, is the attacker's work.
    pub price: u32,
    /// The state after.
    pub after: State,
}

/// The way to a state.
#[derive(Clone, Debug)]
pub struct Witness {
    /// The state that it starts from.
    pub initial: State,
    /// The steps, in order.
    pub steps: Vec<WitnessStep>,
}

impl Witness {
    /// The state that it leads to.
    pub fn last(&self) -> &State {
        self.steps.last().map_or(&self.initial, |step| &step.after)
    }

    /// How many deviations it has.
    pub fn price(&self) -> u32 {
        self.steps.iter().map(|step| step.price).sum()
    }
}

/// The least way to a state with a property: by deviations, then by length, then by the order of
/// the actions.
pub fn witness<C: Client>(
    world: &World<C>,
    goal: impl Fn(&World<C>, &State) -> bool,
) -> Option<Witness> {
    let initial = world.initial().state;
    let mut nodes: Vec<Node> = vec![(initial.clone(), None)];
    let mut best: FxHashMap<State, (u32, u32)> = FxHashMap::default();
    best.insert(initial.clone(), (0, 0));
    let mut heap = BinaryHeap::from([Reverse((0_u32, 0_u32, 0_usize))]);
    while let Some(Reverse((price, length, node))) = heap.pop() {
        let state = nodes[node].0.clone();
        if best.get(&state).is_some_and(|&least| least < (price, length)) {
            continue;
        }
        if goal(world, &state) {
            return Some(trace_back(&nodes, node, initial));
        }
        for choice in world.choices(&state) {
            let Some(transition) = world.next(&state, &choice.action) else { continue };
            let cost = (price + choice.price, length + 1);
            let better = best.get(&transition.state).is_none_or(|&least| cost < least);
            if better {
                best.insert(transition.state.clone(), cost);
                nodes.push((transition.state, Some((node, choice.action, choice.price))));
                heap.push(Reverse((cost.0, cost.1, nodes.len() - 1)));
            }
        }
    }
    None
}

/// A state that a search has found, and the node, action and price that led to it.
type Node = (State, Option<(usize, Action, u32)>);

fn trace_back(nodes: &[Node], mut node: usize, initial: State) -> Witness {
    let mut steps = Vec::new();
    while let (after, Some((parent, action, price))) = &nodes[node] {
        steps.push(WitnessStep {
            before: nodes[*parent].0.clone(),
            action: action.clone(),
            price: *price,
            after: after.clone(),
        });
        node = *parent;
    }
    steps.reverse();
    Witness { initial, steps }
}

/// The least way to a state in which a property is broken.
pub fn counterexample<C: Client>(world: &World<C>, property: Property) -> Option<Witness> {
    witness(world, |world, state| world.broken(state).has(property))
}
