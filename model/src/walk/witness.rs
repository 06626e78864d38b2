//! The shortest way to a goal, and the most instructive one of that length.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rustc_hash::FxHashMap;

use crate::client::{Client, Close};
use crate::message::{Piece, Reply, Segment};
use crate::property::Property;
use crate::world::{Action, State, Wire, World};

/// One step of a witness: an action, and the state after it.
#[derive(Clone, Debug)]
pub struct WitnessStep {
    /// The state before.
    pub before: State,
    /// The action.
    pub action: Action,
    /// How many of its messages are forged, or 1 if the action itself is the attacker's.
    pub price: u32,
    /// The state after.
    pub after: State,
}

/// The path to a state.
#[derive(Clone, Debug)]
pub struct Witness {
    /// The state that it starts from.
    pub initial: State,
    /// The steps, in order.
    pub steps: Vec<WitnessStep>,
}

impl Witness {
    /// The last state of the path.
    pub fn last(&self) -> &State {
        self.steps.last().map_or(&self.initial, |step| &step.after)
    }

    /// How many deviations it has.
    pub fn price(&self) -> u32 {
        self.steps.iter().map(|step| step.price).sum()
    }
}

/// The states that a search looks for.
pub type Goal<'a, C> = &'a dyn Fn(&World<C>, &State) -> bool;

/// The best way to a state with a property: with the fewest deviations, then the shortest, then the
/// first in the order of actions.
pub fn witness<C: Client>(
    world: &World<C>,
    goal: impl Fn(&World<C>, &State) -> bool,
) -> Option<Witness> {
    through(world, &[&goal])
}

/// The best way to the first of several goals, from there to the second, and so on.
///
/// An event that must happen on the way, but is not visible at the end, needs a goal of its own.
pub fn through<C: Client>(world: &World<C>, goals: &[Goal<'_, C>]) -> Option<Witness> {
    let mut whole = Witness { initial: world.initial().state, steps: Vec::new() };
    for goal in goals {
        let part = least(world, whole.last().clone(), *goal)?;
        whole.steps.extend(part);
    }
    for step in &mut whole.steps {
        tell(world, step);
    }
    Some(whole)
}

/// The best way to a state in which a property is broken.
pub fn counterexample<C: Client>(world: &World<C>, property: Property) -> Option<Witness> {
    witness(world, |world, state| world.broken(state).has(property))
}

/// A state that a search has found, and the node, action and price that led to it.
type Node = (State, Option<(usize, Action, u32)>);

fn least<C: Client>(world: &World<C>, first: State, goal: Goal<'_, C>) -> Option<Vec<WitnessStep>> {
    let mut best: FxHashMap<State, (u32, u32)> = FxHashMap::default();
    best.insert(first.clone(), (0, 0));
    let mut nodes: Vec<Node> = vec![(first, None)];
    let mut heap = BinaryHeap::from([Reverse((0_u32, 0_u32, 0_usize))]);
    while let Some(Reverse((price, length, node))) = heap.pop() {
        let state = nodes[node].0.clone();
        if best.get(&state).is_some_and(|&least| least < (price, length)) {
            continue;
        }
        if goal(world, &state) {
            return Some(trace_back(&nodes, node));
        }
        for choice in world.choices(&state) {
            let Some(next) = world.after(&state, &choice) else { continue };
            let cost = (price + choice.price, length + 1);
            let better = best.get(&next).is_none_or(|&least| cost < least);
            if better {
                best.insert(next.clone(), cost);
                nodes.push((next, Some((node, choice.action, choice.price))));
                heap.push(Reverse((cost.0, cost.1, nodes.len() - 1)));
            }
        }
    }
    None
}

fn trace_back(nodes: &[Node], mut node: usize) -> Vec<WitnessStep> {
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
    steps
}

/// Replaces each forged reply by the one of its class that a reader would expect there.
///
/// For example, a client that gives up on anything but a greeting gets nonsense, not a capability list
/// that happens to be first in the alphabet.
pub(crate) fn tell<C: Client>(world: &World<C>, step: &mut WitnessStep) {
    let Some(shown) = world.next(&step.before, &step.action) else { return };
    let leads_there = |action: &Action| {
        world
            .next(&step.before, action)
            .is_some_and(|next| next.state == shown.state && next.client == shown.client)
    };
    if step.before.wire() == Wire::Handshake && leads_there(&Action::FailHandshake) {
        step.action = Action::FailHandshake;
        return;
    }
    let segment = match &step.action {
        Action::ToClient(segment) => segment,
        Action::Close(Close::Orderly) if step.before.wire() == Wire::Secure => {
            // Inside TLS, an attacker can only cut the connection.
            let cut = Action::Close(Close::Cut);
            if leads_there(&cut) {
                step.action = cut;
            }
            return;
        }
        _ => return,
    };
    let known = world.protocol.replies();
    let mut pieces = segment.pieces().to_vec();
    for index in forged(&step.before, &pieces) {
        let expected = match (step.before.wire(), index) {
            (Wire::Secure, _) => continue,
            (Wire::False(_), _) => INSIDE,
            (_, 0) => ALONE,
            (_, _) => BEHIND,
        };
        for &reply in expected.iter().filter(|reply| known.contains(reply)) {
            let mut other = pieces.clone();
            other[index] = match pieces[index] {
                Piece::Whole(_) => Piece::Whole(reply),
                Piece::Line(_) => Piece::Line(reply),
                Piece::Block(_) => Piece::Block(reply),
            };
            let action = Action::ToClient(Segment::new(&other));
            if leads_there(&action) {
                pieces = other;
                break;
            }
        }
    }
    step.action = Action::ToClient(Segment::new(&pieces));
}

/// The indices of the pieces of a segment that are not the next genuine messages, in order.
fn forged(before: &State, pieces: &[Piece<Reply>]) -> Vec<usize> {
    let mut genuine = before.replies_under_way().peekable();
    (0..pieces.len())
        .filter(|&index| genuine.next_if(|reply| pieces[index] == Piece::Whole(*reply)).is_none())
        .collect()
}

/// The preferred messages of an attacker in place of the server, in clear.
const ALONE: &[Reply] = &[Reply::Refuse, Reply::Garbled, Reply::offer(false)];

/// The preferred messages that an attacker appends to a segment.
const BEHIND: &[Reply] = &[Reply::Accept, Reply::LoggedIn, Reply::Done];

/// The preferred messages of an attacker inside his own TLS session.
const INSIDE: &[Reply] = &[Reply::offer(false), Reply::LoggedIn, Reply::Done, Reply::Greeting];
