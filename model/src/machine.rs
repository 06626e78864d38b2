//! Step functions compiled into Mealy machines.
//!
//! A client or server is a function; over a finite alphabet it is a finite machine. Compiling it once
//! provides small state ids for the walks, the classes of segments that it cannot distinguish, and
//! tables for other checkers. Every entry is computed by calling the function.

mod compile;
mod minimal;
mod segments;

use std::fmt::Debug;
use std::hash::Hash;

use rustc_hash::FxHashMap;

use crate::message::Segment;

pub use self::compile::{ClientMachine, Link, ServerMachine, compile_client, compile_server};
pub(crate) use self::compile::{compile_client_among, segment_inputs};
pub use self::minimal::{Minimal, Transition};

/// The id of a state of a machine.
pub type StateId = u16;

/// The id of a list of outputs of a machine.
pub type OutputsId = u16;

/// The place of a class of inputs among those of its state, counted from 0.
pub(crate) type ClassId = u16;

/// A finite machine, compiled from a step function.
#[derive(Debug)]
pub struct Machine<S, I, O> {
    states: Vec<S>,
    ids: FxHashMap<S, StateId>,
    outputs: Vec<O>,
    output_ids: FxHashMap<O, OutputsId>,
    classes: Vec<Vec<Class<I>>>,
}

/// An input of a machine.
pub trait Alphabet: Clone + Eq + Hash {
    /// Whether a state's inputs of this kind with the same step form one class.
    ///
    /// Segments do: the attacker can choose any of them wherever he can write at all. Each other input
    /// is a class of its own, since the world offers it only under its own conditions. This is so even
    /// if a state has the same step on clear text as on a good certificate.
    fn merges(&self) -> bool;
}

/// Inputs that a state cannot distinguish: segments with the same step, or one other input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class<I> {
    /// The first of them, in the order of the alphabet: the shortest.
    pub representative: I,
    /// How many inputs are in it.
    pub members: u32,
    /// The state that follows.
    pub next: StateId,
    /// The outputs on the way.
    pub outputs: OutputsId,
}

impl<S: Clone + Eq + Hash + Debug, I: Alphabet, O: Clone + Eq + Hash> Machine<S, I, O> {
    /// Explores a step function from its initial states.
    ///
    /// `expand` passes on, in the order of the alphabet, each possible input of a state, the number of
    /// inputs that it represents, and the step.
    pub(crate) fn compile(
        first: impl IntoIterator<Item = (S, O)>,
        expand: impl Fn(&S, &mut dyn FnMut(I, u32, (S, O))),
    ) -> Self {
        let mut machine = Self::blank();
        for (state, outputs) in first {
            machine.intern(state);
            machine.intern_outputs(outputs);
        }
        let mut done = 0;
        while done < machine.states.len() {
            let state = machine.states[done].clone();
            let mut found: FxHashMap<(StateId, OutputsId), usize> = FxHashMap::default();
            let mut classes: Vec<Class<I>> = Vec::new();
            expand(&state, &mut |input, members, (next, outputs)| {
                let next = machine.intern(next);
                let outputs = machine.intern_outputs(outputs);
                if !input.merges() {
                    classes.push(Class { representative: input, members, next, outputs });
                    return;
                }
                let index = *found.entry((next, outputs)).or_insert_with(|| {
                    classes.push(Class { representative: input, members: 0, next, outputs });
                    classes.len() - 1
                });
                classes[index].members += members;
            });
            machine.classes.push(classes);
            done += 1;
        }
        machine
    }

    /// An empty machine: states are added as they occur, and there are no classes. For single plays,
    /// which walk no graph.
    pub(crate) fn blank() -> Self {
        Self {
            states: Vec::new(),
            ids: FxHashMap::default(),
            outputs: Vec::new(),
            output_ids: FxHashMap::default(),
            classes: Vec::new(),
        }
    }

    pub(crate) fn intern(&mut self, state: S) -> StateId {
        if let Some(&id) = self.ids.get(&state) {
            return id;
        }
        // A machine with more than 65,535 states is not a small-scope model. Then ids repeat the last
        // one, and `is_complete` is false.
        let id = StateId::try_from(self.states.len()).unwrap_or(StateId::MAX);
        self.ids.insert(state.clone(), id);
        self.states.push(state);
        id
    }

    fn intern_outputs(&mut self, outputs: O) -> OutputsId {
        if let Some(&id) = self.output_ids.get(&outputs) {
            return id;
        }
        let id = OutputsId::try_from(self.outputs.len()).unwrap_or(OutputsId::MAX);
        self.output_ids.insert(outputs.clone(), id);
        self.outputs.push(outputs);
        id
    }

    /// Whether every state and every list of outputs has an id of its own.
    pub const fn is_complete(&self) -> bool {
        self.states.len() < StateId::MAX as usize && self.outputs.len() < OutputsId::MAX as usize
    }

    /// How many states it has.
    pub const fn len(&self) -> usize {
        self.states.len()
    }

    /// Whether it has no state; never true once compiled.
    pub const fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    /// The states, by id.
    pub fn states(&self) -> &[S] {
        &self.states
    }

    /// A state.
    pub fn state(&self, id: StateId) -> &S {
        &self.states[usize::from(id)]
    }

    /// The id of a state, if it is reachable.
    pub fn id(&self, state: &S) -> Option<StateId> {
        self.ids.get(state).copied()
    }

    /// The lists of outputs, by id.
    pub fn all_outputs(&self) -> &[O] {
        &self.outputs
    }

    /// A list of outputs.
    pub fn outputs(&self, id: OutputsId) -> &O {
        &self.outputs[usize::from(id)]
    }

    /// The id of a list of outputs, if some step has it.
    pub fn outputs_id(&self, outputs: &O) -> Option<OutputsId> {
        self.output_ids.get(outputs).copied()
    }

    /// Whether another machine has the same states, under the same ids, with the same steps.
    pub fn behaves_like(&self, other: &Self) -> bool {
        self.states == other.states
            && self.outputs == other.outputs
            && self.classes == other.classes
    }

    /// The classes of inputs of a state.
    pub fn classes(&self, id: StateId) -> &[Class<I>] {
        &self.classes[usize::from(id)]
    }

    /// The class of an input that is a class of its own; `None` if the machine does not know the state,
    /// or the input is not possible in it.
    pub(crate) fn own_class(&self, id: StateId, input: &I) -> Option<&Class<I>> {
        let classes = self.classes.get(usize::from(id))?;
        let is_own = |class: &&Class<I>| !class.representative.merges();
        // Segments are in the middle.
        let before = classes.iter().take_while(is_own);
        let behind = classes.iter().rev().take_while(is_own);
        before.chain(behind).find(|class| class.representative == *input)
    }

    /// The step on the inputs of a class: the next state, and the outputs.
    pub(crate) fn step(&self, class: &Class<I>) -> (StateId, &O) {
        (class.next, self.outputs(class.outputs))
    }
}

/// How many pieces of a segment are not the next genuine messages, in order.
pub(crate) fn count_forged<M: Copy + PartialEq>(segment: &Segment<M>, genuine: &[M]) -> u32 {
    let mut rest = genuine.iter();
    let mut next = rest.next();
    let mut forged = 0;
    for piece in segment.pieces() {
        if !piece.is_fragment() && next == Some(&piece.message()) {
            next = rest.next();
        } else {
            forged += 1;
        }
    }
    forged
}
