//! How much of a run clients explain.

use super::clients::{Clients, Set};
use super::{Event, Run};
use crate::client::{Client, End, Input, Output, Peer, State, Step, View};
use crate::message::{Command, Layer, Piece, Reply, Segment};
use crate::property::{Properties, Property};
use crate::protocol::Memory;

/// How much of a run the clients of a set explain, for one way of reading the peer's segments.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    /// The clients.
    pub(super) set: Set,
    /// The connection that they reached, counted from 0.
    pub(super) connection: usize,
    /// Whether they explain all of the run.
    pub(super) complete: bool,
    /// How many steps of the run they explain.
    pub(super) seen: usize,
    /// The properties that they broke on the way.
    pub(super) broken: Properties,
}

/// How much of a run clients explain, for each set of clients and each way of reading.
pub(super) fn follow(clients: &Clients, run: &Run) -> Vec<Reach> {
    let mut reaches = Vec::new();
    let (all, start) = clients.start();
    let fresh = all.iter().flat_map(|&set| connected(clients, set, &start));
    let mut starts: Vec<Start> = fresh.map(|(set, step)| (set, step, Properties::NONE)).collect();
    let mut before = 0;
    for (connection, events) in run.iter().enumerate() {
        let is_last = connection + 1 == run.len();
        starts.retain(|(_, step, _)| clients.may_serve(step.state.session, connection));
        let mut ends: Vec<Follow<'_>> = Vec::new();
        for (set, step, broken) in starts.drain(..) {
            let mut follow = Follow::new(clients, events, set, broken);
            follow.take(step);
            for (set, matched, broken) in follow.explore(&mut ends, is_last) {
                let seen = before + matched;
                reaches.push(Reach { set, connection, complete: false, seen, broken });
            }
        }
        before += events.iter().filter(|event| event.shows_client()).count();
        if is_last {
            reaches.extend(ends.iter().map(|end| Reach {
                set: end.set,
                connection,
                complete: true,
                seen: before,
                broken: end.broken,
            }));
            break;
        }
        // The next connection: opened by the client itself, or for the user's next session.
        for end in &ends {
            if let Some(step) = &end.reconnected {
                let steps = connected(clients, end.set, step);
                starts.extend(steps.into_iter().map(|(set, step)| (set, step, end.broken)));
            }
        }
        for end in ends.iter().filter(|end| !end.is_read_on) {
            let steps = connected(clients, end.set, &start);
            starts.extend(steps.into_iter().map(|(set, step)| (set, step, end.broken)));
        }
        let mut known = Vec::new();
        starts.retain(|start| {
            let is_new = !known.contains(start);
            if is_new {
                known.push(start.clone());
            }
            is_new
        });
    }
    if run.is_empty() {
        let complete = |(set, ..): &Start| Reach {
            set: *set,
            connection: 0,
            complete: true,
            seen: 0,
            broken: Properties::NONE,
        };
        reaches.extend(starts.iter().map(complete));
    }
    reaches
}

/// Clients on a new connection, and the properties that they broke before.
type Start = (Set, Step<State>, Properties);

fn connected(clients: &Clients, set: Set, step: &Step<State>) -> Vec<(Set, Step<State>)> {
    clients.step(set, &step.state, &Input::Connected)
}

/// The next step in a run.
enum Next {
    /// No further step: the clients explain all of the connection.
    Nothing,
    /// A step that the clients do not take.
    Another,
    /// The step of this event; the clients must have read an input before it.
    Reads(usize),
}

/// Clients on their way through the events of one connection.
#[derive(Clone)]
struct Follow<'a> {
    clients: &'a Clients,
    events: &'a [Event],
    set: Set,
    state: Option<State>,
    /// Their outputs that were not matched with the run yet.
    pending: Vec<Output>,
    /// The next input that they have not read.
    input: usize,
    /// The next event to be matched.
    seen: usize,
    /// How many of their steps were matched.
    matched: usize,
    in_tls: bool,
    /// The peer of the second channel, if that is inside TLS.
    channel: Option<Peer>,
    /// The layer of their unmatched outputs; unknown for their last messages on a connection.
    layer: Option<Layer>,
    broken: Properties,
    /// The properties that they had broken when they were last matched.
    broken_when_seen: Properties,
    /// Their step on a further connection, if they opened one.
    reconnected: Option<Step<State>>,
    /// Whether they have read inputs after they were last matched.
    is_read_on: bool,
}

impl<'a> Follow<'a> {
    fn new(clients: &'a Clients, events: &'a [Event], set: Set, broken: Properties) -> Self {
        Self {
            clients,
            events,
            set,
            state: None,
            pending: Vec::new(),
            input: 0,
            seen: 0,
            matched: 0,
            in_tls: false,
            channel: None,
            layer: None,
            broken,
            broken_when_seen: Properties::NONE,
            reconnected: None,
            is_read_on: false,
        }
    }

    /// Adds the outputs of a step: acts visible to a peer are matched later, the others are judged.
    fn take(&mut self, step: Step<State>) {
        let negotiator = self.clients.negotiator();
        for (index, &output) in step.outputs.iter().enumerate() {
            match output {
                Output::Send(Command::Noop | Command::Goodbye) => {}
                Output::Send(command) => {
                    if command.is_secret() && self.in_tls && self.has_a_bad_certificate() {
                        self.broken.insert(Property::NoSecretToUnauthenticatedPeer);
                    }
                    self.pending.push(output);
                }
                Output::StartTls | Output::OpenChannel(_) => self.pending.push(output),
                Output::MoveData => {
                    match self.channel {
                        Some(Peer::Genuine) => {}
                        Some(_) => self.broken.insert(Property::NoSecretToUnauthenticatedPeer),
                        None => self.broken.insert(Property::NoClearSecondChannel),
                    }
                    self.pending.push(output);
                }
                // Only if the run shows how the client ended.
                Output::End(End::Delivered) if self.events.contains(&Event::Succeeded) => {
                    self.pending.push(output);
                }
                Output::Connect(_) => {
                    // The rest of the step belongs to the next connection.
                    let rest = step.outputs[index + 1..].iter().copied().collect();
                    self.reconnected = Some(Step { state: step.state.clone(), outputs: rest });
                    break;
                }
                Output::Took(Layer::Clear) if self.in_tls => {
                    self.broken.insert(Property::NoClearBytesUsedInsideTls);
                }
                Output::UsedClearKnowledge(_)
                    if negotiator.protocol.memory == Memory::Forgotten =>
                {
                    self.broken.insert(Property::ClearKnowledgeForgotten);
                }
                Output::Skipped => self.broken.insert(Property::NoJump),
                Output::UsedNameFromWire => self.broken.insert(Property::NameFromUser),
                _ => {}
            }
        }
        let ended = negotiator.view(&step.state) == View::Ended;
        self.layer = (!ended).then(|| step.state.layer());
        self.state = Some(step.state);
    }

    fn has_a_bad_certificate(&self) -> bool {
        let is_bad =
            |event: &Event| matches!(event, Event::Handshake(peer) if *peer != Peer::Genuine);
        self.events.iter().any(is_bad)
    }

    /// Follows the clients in all ways of reading. Adds those that explain the whole connection to
    /// `ends`. For the others, returns how many steps each set explains, and the properties that it
    /// broke.
    fn explore(self, ends: &mut Vec<Self>, is_last: bool) -> Vec<(Set, usize, Properties)> {
        let mut reaches = Vec::new();
        // The last one is followed first: this is a depth-first search.
        let mut waiting = vec![self];
        while let Some(mut follow) = waiting.pop() {
            let position = match follow.see() {
                Next::Nothing => {
                    follow.end(ends, is_last);
                    continue;
                }
                Next::Another => {
                    reaches.push((follow.set, follow.matched, follow.broken_when_seen));
                    continue;
                }
                Next::Reads(position) => position,
            };
            // They must have read something before that step: one segment, or several at once.
            let inputs = follow.inputs_before(position).min(3);
            let first = waiting.len();
            for merged in 1..=inputs {
                waiting.extend(follow.read(merged, position));
            }
            if waiting.len() == first {
                reaches.push((follow.set, follow.matched, follow.broken_when_seen));
            }
            waiting[first..].reverse();
        }
        reaches
    }

    /// Matches the pending outputs with the run.
    fn see(&mut self) -> Next {
        loop {
            let Some(position) = self.next_seen() else { return Next::Nothing };
            let Some(&output) = self.pending.first() else { return Next::Reads(position) };
            if !matches(output, self.layer, &self.events[position]) {
                return Next::Another;
            }
            self.pending.remove(0);
            self.seen = position + 1;
            self.matched += 1;
            self.broken_when_seen = self.broken;
        }
    }

    /// The clients explain the whole connection. Before a further connection, they may read the
    /// remaining inputs.
    fn end(mut self, ends: &mut Vec<Self>, is_last: bool) {
        self.pending.clear();
        let mut waiting = vec![self.clone()];
        ends.push(self);
        while let Some(mut follow) = waiting.pop() {
            if is_last || follow.reconnected.is_some() {
                continue;
            }
            let before = follow.events.len();
            follow.is_read_on = true;
            for mut branch in follow.read(1, before) {
                branch.pending.clear();
                if branch.reconnected.is_some() {
                    ends.push(branch);
                } else {
                    waiting.push(branch);
                }
            }
        }
    }

    /// The next event that is a step of the client.
    fn next_seen(&self) -> Option<usize> {
        (self.seen..self.events.len()).find(|&at| self.events[at].shows_client())
    }

    fn inputs_before(&self, position: usize) -> usize {
        let unread = &self.events[self.input.min(position)..position];
        unread.iter().filter(|event| !event.shows_client()).count()
    }

    /// Reads the next inputs before an event; several only if they are segments of one layer. The set
    /// splits if its clients' steps differ; empty if the inputs cannot be read this way.
    fn read(&self, merged: usize, before: usize) -> Vec<Self> {
        let mut read = self.clone();
        let Some(input) = read.take_inputs(merged, before) else { return Vec::new() };
        match &input {
            Input::Handshake(_) => read.in_tls = true,
            Input::TlsEnded | Input::HandshakeFailed => read.in_tls = false,
            Input::Channel(peer) => read.channel = Some(*peer),
            _ => {}
        }
        let negotiator = self.clients.negotiator();
        let Some(state) = self.state.as_ref().filter(|state| negotiator.view(state) != View::Ended)
        else {
            return vec![read];
        };
        if self.reconnected.is_some() {
            return vec![read];
        }
        let steps = self.clients.step(self.set, state, &input).into_iter();
        let branch = |(set, step)| {
            let mut branch = Self { set, ..read.clone() };
            branch.take(step);
            branch
        };
        steps.map(branch).collect()
    }

    /// The next inputs before an event, merged into one.
    fn take_inputs(&mut self, merged: usize, before: usize) -> Option<Input> {
        let mut pieces: Vec<Piece<Reply>> = Vec::new();
        let mut layer = None;
        for _ in 0..merged {
            let at = (self.input..before).find(|&at| !self.events[at].shows_client())?;
            self.input = at + 1;
            match &self.events[at] {
                Event::Said { segment, layer: said_in, .. } => {
                    if layer.is_some_and(|layer| layer != *said_in) {
                        return None;
                    }
                    layer = Some(*said_in);
                    pieces.extend(segment.pieces());
                }
                event => return if merged == 1 { input(event) } else { None },
            }
        }
        Some(Input::Segment(Segment::new(&pieces)))
    }
}

/// The client's input in an event.
const fn input(event: &Event) -> Option<Input> {
    match event {
        Event::Handshake(peer) => Some(Input::Handshake(*peer)),
        Event::HandshakeFailed => Some(Input::HandshakeFailed),
        Event::TlsEnded => Some(Input::TlsEnded),
        Event::Closed(close) => Some(Input::Closed(*close)),
        Event::Channel(peer) => Some(Input::Channel(*peer)),
        Event::ChannelFailed => Some(Input::ChannelFailed),
        Event::Said { .. }
        | Event::Heard(..)
        | Event::ClientHello
        | Event::ChannelOpened(_)
        | Event::DataMoved
        | Event::Succeeded => None,
    }
}

/// Whether an output matches an event.
fn matches(output: Output, layer: Option<Layer>, event: &Event) -> bool {
    match (output, event) {
        (Output::StartTls, Event::ClientHello)
        | (Output::MoveData, Event::DataMoved)
        | (Output::End(End::Delivered), Event::Succeeded) => true,
        (Output::OpenChannel(layer), Event::ChannelOpened(opened)) => layer == *opened,
        (Output::Send(command), Event::Heard(heard, heard_in)) => {
            command == *heard && layer.is_none_or(|layer| layer == *heard_in)
        }
        _ => false,
    }
}
