//! Step functions compiled into Mealy machines.
//!
//! A client or server is a function; over a finite alphabet it is a finite machine. Compiling it
//! once gives small state ids for the walks, the classes of segments that it cannot tell apart,
//! and tables that other checkers can read. Every entry is computed by calling the function.

use std::fmt::Debug;
use std::hash::Hash;

use rustc_hash::FxHashMap;

use crate::client::{self, Client, Close, Input, Output, Peer, View};
use crate::message::{Bounds, Segment};
use crate::protocol::Protocol;
use crate::server::{self, Port, Server};

/// The id of a state of a machine.
pub type StateId = u16;

/// The id of a list of outputs of a machine.
pub type OutputsId = u16;

/// A finite machine, compiled from a step function.
#[derive(Debug)]
pub struct Machine<S, I, O> {
    states: Vec<S>,
    ids: FxHashMap<S, StateId>,
    outputs: Vec<O>,
    output_ids: FxHashMap<O, OutputsId>,
    classes: Vec<Vec<Class<I>>>,
}

/// Inputs that a state cannot tell apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class<I> {
    /// The first of them, in the order of the alphabet: the shortest.
    pub representative: I,
    /// How many inputs are in it.
    pub members: u32,
    /// The state that follows.
    pub next: StateId,
    /// What is done on the way.
    pub outputs: OutputsId,
}

impl<S: Clone + Eq + Hash + Debug, I: Clone, O: Clone + Eq + Hash> Machine<S, I, O> {
    /// Explores a step function from its first states.
    ///
    /// `inputs` gives the inputs that are possible in a state, `step` what follows from one.
    fn compile<'i>(
        first: impl IntoIterator<Item = (S, O)>,
        inputs: impl Fn(&S) -> Box<dyn Iterator<Item = &'i I> + 'i>,
        step: impl Fn(&S, &I) -> (S, O),
    ) -> Self
    where
        I: 'i,
    {
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
            for input in inputs(&state) {
                let (next, outputs) = step(&state, input);
                let next = machine.intern(next);
                let outputs = machine.intern_outputs(outputs);
                let index = *found.entry((next, outputs)).or_insert_with(|| {
                    classes.push(Class {
                        representative: input.clone(),
                        members: 0,
                        next,
                        outputs,
                    });
                    classes.len() - 1
                });
                classes[index].members += 1;
            }
            machine.classes.push(classes);
            done += 1;
        }
        machine
    }

    /// A machine that knows nothing yet: states are added as they are met, and there are no
    /// classes. It serves where runs are played and no graph is walked.
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
        // A machine beyond 65,535 states is no small-scope model; ids then repeat the last one,
        // and `is_complete` says so.
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

    /// Whether it has no state: never, once compiled.
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

    /// Whether another machine has the same states, under the same ids, and does the same in each.
    pub fn behaves_like(&self, other: &Self) -> bool
    where
        I: PartialEq,
    {
        self.states == other.states
            && self.outputs == other.outputs
            && self.classes == other.classes
    }

    /// The classes of inputs of a state.
    pub fn classes(&self, id: StateId) -> &[Class<I>] {
        &self.classes[usize::from(id)]
    }
}

/// A client, compiled: its states with what the connection is in each.
pub type ClientMachine<C> = Machine<(<C as Client>::State, Link), Input, client::Outputs>;

/// A server, compiled.
pub type ServerMachine = Machine<server::State, server::Input, server::Outputs>;

/// What a client's connection is: it decides what can come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Link {
    /// None stands, or none yet.
    Down,
    /// In clear: whatever the attacker likes.
    Clear,
    /// In clear, with a ClientHello on it.
    Handshake,
    /// TLS with the true server: whole messages, one by one.
    Secure,
    /// TLS with the attacker: whatever he likes.
    False,
}

impl Link {
    /// What the connection is after an input and what the client did on it.
    #[must_use]
    pub fn after(self, input: &Input, outputs: &client::Outputs) -> Self {
        let mut link = match input {
            Input::Connected => Self::Clear,
            Input::Segment(_) if self == Self::Handshake => Self::Clear,
            Input::Segment(_) | Input::Deadline => self,
            Input::Handshake(Peer::Genuine) => Self::Secure,
            Input::Handshake(_) => Self::False,
            Input::HandshakeFailed | Input::TlsEnded => Self::Clear,
            Input::Closed(_) => Self::Down,
        };
        for output in outputs {
            match output {
                Output::Connect(_) | Output::Close => link = Self::Down,
                Output::StartTls => link = Self::Handshake,
                _ => {}
            }
        }
        link
    }
}

/// Compiles a client over the alphabet of a protocol.
pub fn compile_client<C: Client>(
    client: &C,
    protocol: &Protocol,
    bounds: Bounds,
) -> ClientMachine<C> {
    let alphabet = protocol.replies();
    let singles: Vec<Input> =
        alphabet.iter().map(|&reply| Input::Segment(Segment::one(reply))).collect();
    let segments: Vec<Input> = Segment::all(&alphabet, protocol.fragments, bounds)
        .into_iter()
        .map(Input::Segment)
        .collect();
    let ends = [
        Input::TlsEnded,
        Input::Closed(Close::Orderly),
        Input::Closed(Close::Cut),
        Input::Deadline,
    ];
    let connected = [Input::Connected];
    let peers: Vec<Input> = std::iter::once(Peer::Genuine)
        .chain(Peer::FALSE)
        .map(Input::Handshake)
        .chain([Input::HandshakeFailed])
        .collect();
    let inputs = |(state, link): &(C::State, Link)| -> Box<dyn Iterator<Item = &Input>> {
        if client.view(state) == View::Ended {
            return Box::new(std::iter::empty());
        }
        match link {
            Link::Down => Box::new(connected.iter().chain(&ends[3..])),
            Link::Clear => Box::new(segments.iter().chain(&ends[1..])),
            Link::Handshake => Box::new(peers.iter().chain(&segments).chain(&ends[1..])),
            Link::Secure => Box::new(singles.iter().chain(&ends)),
            Link::False => Box::new(segments.iter().chain(&ends[1..])),
        }
    };
    let start = client.start();
    Machine::compile(
        [((start.state, Link::Down), start.outputs)],
        inputs,
        |(state, link), input| {
            let step = client.step(state, input);
            let link = link.after(input, &step.outputs);
            ((step.state, link), step.outputs)
        },
    )
}

/// Compiles a server over the alphabet of its protocol, from both of its ports.
pub fn compile_server(server: &Server, bounds: Bounds) -> ServerMachine {
    let alphabet = server.protocol.commands();
    let segments: Vec<server::Input> = Segment::all(&alphabet, server.protocol.fragments, bounds)
        .into_iter()
        .map(server::Input::Segment)
        .collect();
    let started = [server::Input::TlsStarted];
    let closed = [server::Input::Closed];
    let inputs = |state: &server::State| -> Box<dyn Iterator<Item = &server::Input>> {
        match state.phase {
            server::Phase::Closed => Box::new(std::iter::empty()),
            server::Phase::AwaitsTls => Box::new(started.iter().chain(&closed)),
            server::Phase::Ready => Box::new(segments.iter().chain(&closed)),
        }
    };
    let first = [server.start(Port::Upgrade), server.start(Port::Implicit)];
    Machine::compile(first, inputs, |state, input| server.step(state, input))
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
