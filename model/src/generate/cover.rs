//! Which transitions of the common client's machine the vectors take.
//!
//! The machine is the [minimal](Minimal) one with the same visible behaviour. Deviations at one point
//! take most of its transitions; [`search`] finds vectors for the rest.

mod search;

use std::collections::BTreeSet;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::client::{self, Client, Input, Negotiator, Output};
use crate::machine::{Link, Minimal, StateId, Transition};
use crate::play::Play;
use crate::walk::visit;
use crate::world::{Action, World};

/// How much of the common client the plays of a policy's vectors cover.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Covered states of the [minimal machine](Minimal), and all that can be covered: a state is
    /// covered by a transition that leaves it.
    pub states: (usize, usize),
    /// Its transitions that were taken.
    pub taken: usize,
    /// Its transitions that a peer can cause: the model's attacker takes them, and they do not depend
    /// on the client's own deadline.
    pub possible: usize,
    /// All its transitions.
    pub transitions: usize,
    /// The possible transitions that were not taken, in words.
    pub missing: Vec<String>,
}

/// Records which transitions of a client were taken.
pub(super) struct Cover {
    least: Minimal,
    possible: BTreeSet<Transition>,
    taken: BTreeSet<Transition>,
}

impl Cover {
    /// No transition of the client of a compiled world was taken yet, except the first.
    pub(super) fn of(world: &World<Negotiator>) -> Self {
        let least = world.least();
        // Every run begins with this transition.
        let taken: BTreeSet<Transition> = start(&least, world).into_iter().collect();
        let mut possible = taken.clone();
        // Many states of the world have the same client state.
        let mut known: FxHashMap<StateId, FxHashSet<Action>> = FxHashMap::default();
        visit(world, None, |state, action| {
            let Some(input) = input(action) else { return };
            let known = known.entry(state.client).or_default();
            if !known.contains(action) {
                known.insert(action.clone());
                possible.extend(transitions(&least, world, state.client, input));
            }
        });
        Self { least, possible, taken }
    }

    /// Adds the transitions of a play; returns whether one of them was new and possible.
    pub(super) fn take(&mut self, world: &World<Negotiator>, played: &Play) -> bool {
        let known = self.taken.len();
        for step in &played.steps {
            if let Some(input) = input(&step.action) {
                let taken = transitions(&self.least, world, step.before.client, input);
                self.taken.extend(taken.into_iter().filter(|t| self.possible.contains(t)));
            }
        }
        self.taken.len() > known
    }

    pub(super) fn coverage(&self, world: &World<Negotiator>) -> Coverage {
        let states = |of: &BTreeSet<Transition>| {
            of.iter().map(|transition| transition.from).collect::<BTreeSet<usize>>().len()
        };
        Coverage {
            states: (states(&self.taken), states(&self.possible)),
            taken: self.taken.len(),
            possible: self.possible.len(),
            transitions: self.least.transitions(),
            missing: self.missing(world),
        }
    }

    /// The possible transitions that were not taken, one example for each description.
    fn missing(&self, world: &World<Negotiator>) -> Vec<String> {
        let mut known = BTreeSet::new();
        let mut missing = Vec::new();
        for (id, (state, _)) in world.clients().states().iter().enumerate() {
            let id = StateId::try_from(id).unwrap_or(StateId::MAX);
            for class in world.clients().classes(id) {
                let taken = self.least.transition(id, class.outputs, class.next);
                let Some(transition) = taken.filter(|t| self.possible.contains(t)) else {
                    continue;
                };
                if !self.taken.contains(&transition) && known.insert(transition) {
                    let outputs = world.clients().outputs(class.outputs);
                    missing.push(describe(world, state, &class.representative, outputs));
                }
            }
        }
        missing
    }
}

/// The client's input in an action of a peer; `None` for a deadline, which no peer can cause.
fn input(action: &Action) -> Option<Input> {
    match action {
        Action::ToClient(segment) => Some(Input::Segment(segment.clone())),
        Action::Handshake(peer) => Some(Input::Handshake(*peer)),
        Action::FailHandshake => Some(Input::HandshakeFailed),
        Action::EndTls => Some(Input::TlsEnded),
        Action::Close(close) => Some(Input::Closed(*close)),
        Action::Channel(peer) => Some(Input::Channel(*peer)),
        Action::FailChannel => Some(Input::ChannelFailed),
        Action::ToServer(_) | Action::NameOtherHost | Action::Redial(_) | Action::Deadline => None,
    }
}

/// The transitions that an input takes: a new connection is established at once.
fn transitions(
    least: &Minimal,
    world: &World<Negotiator>,
    state: StateId,
    input: Input,
) -> Vec<Transition> {
    let mut taken = Vec::new();
    let (mut state, mut input) = (state, input);
    loop {
        let (next, outputs) = world.client_step(state, &input);
        let number = world.clients().outputs_id(&outputs);
        taken.extend(number.and_then(|number| least.transition(state, number, next)));
        if !outputs.iter().any(|output| matches!(output, Output::Connect(_))) {
            return taken;
        }
        (state, input) = (next, Input::Connected);
    }
}

/// The transition that begins every run.
fn start(least: &Minimal, world: &World<Negotiator>) -> Vec<Transition> {
    let start = world.client().start().state;
    let state = world.client_id((start, Link::Down));
    transitions(least, world, state, Input::Connected)
}

/// A transition in words.
fn describe(
    world: &World<Negotiator>,
    state: &client::State,
    input: &Input,
    outputs: &client::Outputs,
) -> String {
    let holds = world.client().holds_fragment(state);
    let input = match input {
        Input::Segment(segment) => segment.to_string(),
        other => format!("{other:?}"),
    };
    format!(
        "{:?} {:?}{}: {input} -> {}",
        state.phase,
        state.link,
        if holds { ", holding a head" } else { "" },
        outputs.iter().map(|output| format!("{output:?}")).collect::<Vec<_>>().join(" "),
    )
}
