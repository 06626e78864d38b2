//! Client and server as raw tables: one step for each input, without the model's classes.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use serde::Serialize;

use super::words;
use crate::client::{Client, Input, View, visible};
use crate::machine::{Link, ServerMachine, compile_server, segment_inputs};
use crate::message::{Bounds, Segment};
use crate::protocol::Protocol;
use crate::server::{self, Phase, Port, Server};
use crate::world::World;

/// A step: the next state, and the number of its list of outputs. The state is -1 if the machine has no
/// number for it; a checker rejects that.
type Step = (i32, usize);

/// A party.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Table {
    /// All lists of outputs.
    outputs: Vec<Vec<String>>,
    start: Start,
    states: Vec<Row>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
enum Start {
    Client(Step),
    Server { upgrade: Step, implicit: Step },
}

/// A state of a party.
#[derive(Clone, Debug, Serialize)]
struct Row {
    #[serde(flatten)]
    facts: Facts,
    /// The step for each input that is not a segment.
    on: BTreeMap<String, Step>,
    /// The steps for all segments, in the documented order, run-length encoded: the step, and the
    /// number of consecutive segments with this step.
    segments: Vec<(i32, usize, usize)>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
enum Facts {
    Client { view: &'static str, link: &'static str },
    Server { phase: &'static str, port: &'static str, layer: &'static str, elsewhere: u8 },
}

/// Lists of outputs, each with its number.
struct Lists<O> {
    numbers: FxHashMap<Vec<O>, usize>,
    names: Vec<Vec<String>>,
    name: fn(O) -> String,
}

impl<O: Copy + Eq + std::hash::Hash> Lists<O> {
    fn new(name: fn(O) -> String) -> Self {
        Self { numbers: FxHashMap::default(), names: Vec::new(), name }
    }

    fn number(&mut self, outputs: &[O]) -> usize {
        if let Some(&known) = self.numbers.get(outputs) {
            return known;
        }
        let number = self.names.len();
        self.names.push(outputs.iter().map(|&output| (self.name)(output)).collect());
        self.numbers.insert(outputs.to_vec(), number);
        number
    }
}

impl Row {
    fn of(facts: Facts) -> Self {
        Self { facts, on: BTreeMap::new(), segments: Vec::new() }
    }

    /// The step on the next segment.
    fn push(&mut self, (next, outputs): Step) {
        match self.segments.last_mut() {
            Some(run) if (run.0, run.1) == (next, outputs) => run.2 += 1,
            _ => self.segments.push((next, outputs, 1)),
        }
    }
}

impl Table {
    /// The client, from its step function; marks are left out.
    pub(super) fn of_client<C: Client>(world: &World<C>) -> Self {
        let (client, machine) = (world.client(), world.clients());
        let mut lists = Lists::new(words::client);
        let segments = segment_inputs(world.protocol, world.bounds);
        let mut number = |state: &(C::State, Link), outputs: &crate::client::Outputs| -> Step {
            let next = machine.id(state).map_or(-1, i32::from);
            (next, lists.number(&visible(outputs)))
        };
        let start = client.start();
        let start = number(&(start.state, Link::Down), &start.outputs);
        let mut states = Vec::new();
        for (state, link) in machine.states() {
            let view = client.view(state);
            let facts = Facts::Client { view: words::view(view), link: words::link(*link) };
            let mut row = Row::of(facts);
            let inputs =
                if view == View::Ended { Vec::new() } else { link.inputs(view, &segments) };
            for input in inputs {
                let step = client.step(state, &input);
                let after = link.after(&input, &step.outputs);
                let step = number(&(step.state, after), &step.outputs);
                match input {
                    Input::Segment(_) => row.push(step),
                    other => {
                        row.on.insert(words::input(&other), step);
                    }
                }
            }
            states.push(row);
        }
        Self { outputs: lists.names, start: Start::Client(start), states }
    }

    /// The honest server of a protocol.
    pub(super) fn of_honest_server(protocol: &'static Protocol, bounds: Bounds) -> Self {
        let server = Server::honest(protocol);
        Self::of_server(&server, &compile_server(&server, bounds), bounds)
    }

    /// A server, from its step function.
    pub(super) fn of_server(server: &Server, machine: &ServerMachine, bounds: Bounds) -> Self {
        let protocol = server.protocol;
        let mut lists = Lists::new(words::server);
        let segments = Segment::all(&protocol.commands(), protocol.fragments, bounds);
        let mut number = |(state, outputs): (server::State, server::Outputs)| -> Step {
            let next = machine.id(&state).map_or(-1, i32::from);
            (next, lists.number(&outputs))
        };
        let start = Start::Server {
            upgrade: number(server.start(Port::Upgrade)),
            implicit: number(server.start(Port::Implicit)),
        };
        let mut states = Vec::new();
        for state in machine.states() {
            let mut row = Row::of(Facts::Server {
                phase: words::phase(state.phase),
                port: words::port(state.port),
                layer: words::layer(state.layer),
                elsewhere: u8::from(state.elsewhere),
            });
            let mut on = |row: &mut Row, input: &server::Input, name: &str| {
                row.on.insert(name.to_owned(), number(server.step(state, input)));
            };
            on(&mut row, &server::Input::Closed, "closed");
            if state.phase == Phase::AwaitsTls {
                on(&mut row, &server::Input::TlsStarted, "tls started");
            }
            if server.takes_host_name(state) {
                on(&mut row, &server::Input::OtherHostNamed, "other host named");
            }
            if state.phase == Phase::Ready {
                for segment in &segments {
                    let input = server::Input::Segment(segment.clone());
                    row.push(number(server.step(state, &input)));
                }
            }
            states.push(row);
        }
        Self { outputs: lists.names, start, states }
    }
}
