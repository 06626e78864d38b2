//! How far one client explains a run.

use super::{Event, Reach, Run};
use crate::client::{Client, End, Input, Negotiator, Output, Peer, Step, View};
use crate::message::{Command, Layer, Piece, Reply, Segment};
use crate::property::{Properties, Property};
use crate::protocol::Memory;

/// How far this client explains a run.
pub(super) fn follows(client: &Negotiator, run: &Run) -> Reach {
    let fresh = || connected(client, client.start());
    let mut starts = vec![(fresh(), Properties::NONE)];
    let mut before = 0;
    let mut reach = Reach::default();
    for (index, events) in run.iter().enumerate() {
        let mut ends: Vec<Follow<'_>> = Vec::new();
        let mut best = Reach::default();
        for (step, broken) in starts.drain(..) {
            let mut follow = Follow::new(client, events, step, broken);
            follow.explore(&mut ends, &mut best);
        }
        reach = Reach { complete: false, seen: before + best.seen, broken: best.broken };
        let Some(first) = ends.first() else { return reach };
        reach.broken = first.broken;
        before += events.iter().filter(|event| Follow::shows_client(event)).count();
        reach.seen = before;
        if index + 1 < run.len() {
            // The next connection: the client's own, or one that its user asked for.
            for end in &ends {
                if let Some(step) = &end.reconnected {
                    starts.push((connected(client, step.clone()), end.broken));
                }
            }
            starts.push((fresh(), reach.broken));
        }
    }
    Reach { complete: true, ..reach }
}

fn connected(client: &Negotiator, step: Step<crate::client::State>) -> Step<crate::client::State> {
    client.step(&step.state, &Input::Connected)
}

/// A client on its way through the events of one connection.
#[derive(Clone)]
struct Follow<'a> {
    pub(super) client: &'a Negotiator,
    pub(super) events: &'a [Event],
    pub(super) state: crate::client::State,
    /// What it does and was not yet seen doing.
    pub(super) pending: Vec<Output>,
    /// The next input that it has not read.
    pub(super) input: usize,
    /// The next event in which it was not yet seen.
    pub(super) seen: usize,
    /// How much of it was seen.
    pub(super) matched: usize,
    pub(super) in_tls: bool,
    /// In which layer it said what waits to be seen; unknown for its last words.
    pub(super) layer: Option<Layer>,
    pub(super) broken: Properties,
    /// Where it stands on a further connection, if it opened one.
    pub(super) reconnected: Option<Step<crate::client::State>>,
}

impl<'a> Follow<'a> {
    pub(super) fn new(
        client: &'a Negotiator,
        events: &'a [Event],
        step: Step<crate::client::State>,
        broken: Properties,
    ) -> Self {
        let mut follow = Self {
            client,
            events,
            state: step.state.clone(),
            pending: Vec::new(),
            input: 0,
            seen: 0,
            matched: 0,
            in_tls: false,
            layer: None,
            broken,
            reconnected: None,
        };
        follow.take(step);
        follow
    }

    /// Takes up what a step does: what a peer can see waits to be seen, the rest is weighed.
    fn take(&mut self, step: Step<crate::client::State>) {
        let outputs = step.outputs.clone();
        for (index, &output) in outputs.iter().enumerate() {
            match output {
                Output::Send(Command::Noop | Command::Goodbye) => {}
                Output::Send(command) => {
                    if command.is_secret() && self.in_tls && self.has_a_bad_certificate() {
                        self.broken.insert(Property::NoSecretToUnauthenticatedPeer);
                    }
                    self.pending.push(output);
                }
                Output::StartTls => self.pending.push(output),
                // Only where the run shows how the client ended.
                Output::End(End::Delivered) if self.events.contains(&Event::Succeeded) => {
                    self.pending.push(output);
                }
                Output::Connect(_) => {
                    // The rest of the step belongs to the next connection.
                    let rest = outputs[index + 1..].iter().copied().collect();
                    self.reconnected = Some(Step { state: step.state.clone(), outputs: rest });
                    break;
                }
                Output::Took(Layer::Clear) if self.in_tls => {
                    self.broken.insert(Property::NoClearBytesUsedInsideTls);
                }
                Output::UsedClearKnowledge(_)
                    if self.client.protocol.memory == Memory::Forgotten =>
                {
                    self.broken.insert(Property::ClearKnowledgeForgotten);
                }
                Output::Skipped => self.broken.insert(Property::NoJump),
                Output::UsedNameFromWire => self.broken.insert(Property::NameFromUser),
                _ => {}
            }
        }
        let ended = self.client.view(&step.state) == View::Ended;
        self.layer = (!ended).then(|| step.state.layer());
        self.state = step.state;
    }

    fn has_a_bad_certificate(&self) -> bool {
        let is_bad =
            |event: &Event| matches!(event, Event::Handshake(peer) if *peer != Peer::Genuine);
        self.events.iter().any(is_bad)
    }

    fn explore(&mut self, ends: &mut Vec<Self>, best: &mut Reach) {
        loop {
            let next = self.next_seen();
            let Some(position) = next else {
                ends.push(self.clone());
                self.read_on(ends);
                return;
            };
            if let Some(&output) = self.pending.first() {
                if !matches(output, self.layer, &self.events[position]) {
                    return;
                }
                self.pending.remove(0);
                self.seen = position + 1;
                self.matched += 1;
                if self.matched > best.seen {
                    *best = Reach { complete: false, seen: self.matched, broken: self.broken };
                }
                continue;
            }
            // It must have read something before it did that: one segment, or several at once.
            let inputs = self.inputs_before(position);
            for merged in 1..=inputs.min(3) {
                let mut branch = self.clone();
                if branch.read(merged, position) {
                    branch.explore(ends, best);
                }
            }
            return;
        }
    }

    /// After the last that was seen of it: the rest of the inputs, for a further connection.
    fn read_on(&self, ends: &mut Vec<Self>) {
        let mut branch = self.clone();
        branch.pending.clear();
        while branch.reconnected.is_none()
            && branch.inputs_before(branch.events.len()) > 0
            && branch.read(1, branch.events.len())
        {
            branch.pending.clear();
        }
        if branch.reconnected.is_some() {
            ends.push(branch);
        }
    }

    /// The next event that shows the client.
    fn next_seen(&self) -> Option<usize> {
        (self.seen..self.events.len()).find(|&at| Self::shows_client(&self.events[at]))
    }

    const fn shows_client(event: &Event) -> bool {
        matches!(event, Event::Heard(..) | Event::ClientHello | Event::Succeeded)
    }

    const fn is_input(event: &Event) -> bool {
        !Self::shows_client(event)
    }

    fn inputs_before(&self, position: usize) -> usize {
        self.events[self.input.min(position)..position].iter().filter(|e| Self::is_input(e)).count()
    }

    /// Reads the next inputs: several only if they are words of one layer.
    pub(super) fn read(&mut self, merged: usize, before: usize) -> bool {
        let mut pieces: Vec<Piece<Reply>> = Vec::new();
        let mut layer = None;
        let mut other = None;
        for _ in 0..merged {
            let Some(at) = (self.input..before).find(|&at| Self::is_input(&self.events[at])) else {
                return false;
            };
            self.input = at + 1;
            match &self.events[at] {
                Event::Said { segment, layer: said_in, .. } => {
                    if layer.is_some_and(|layer| layer != *said_in) {
                        return false;
                    }
                    layer = Some(*said_in);
                    pieces.extend(segment.pieces());
                }
                event => {
                    if merged > 1 {
                        return false;
                    }
                    other = input(event);
                }
            }
        }
        let input = match other {
            Some(input) => input,
            None => Input::Segment(Segment::new(&pieces)),
        };
        match &input {
            Input::Handshake(_) => self.in_tls = true,
            Input::TlsEnded | Input::HandshakeFailed => self.in_tls = false,
            _ => {}
        }
        if self.client.view(&self.state) == View::Ended || self.reconnected.is_some() {
            return true;
        }
        let step = self.client.step(&self.state, &input);
        self.take(step);
        true
    }
}

/// What an event is to the client.
const fn input(event: &Event) -> Option<Input> {
    match event {
        Event::Handshake(peer) => Some(Input::Handshake(*peer)),
        Event::HandshakeFailed => Some(Input::HandshakeFailed),
        Event::TlsEnded => Some(Input::TlsEnded),
        Event::Closed(close) => Some(Input::Closed(*close)),
        Event::Said { .. } | Event::Heard(..) | Event::ClientHello | Event::Succeeded => None,
    }
}

/// Whether what the client does is what was seen.
pub(super) fn matches(output: Output, layer: Option<Layer>, event: &Event) -> bool {
    match (output, event) {
        (Output::StartTls, Event::ClientHello)
        | (Output::End(End::Delivered), Event::Succeeded) => true,
        (Output::Send(command), Event::Heard(heard, heard_in)) => {
            command == *heard && layer.is_none_or(|layer| layer == *heard_in)
        }
        _ => false,
    }
}

/// Whether an event shows what the client does.
pub(super) const fn shows_client(event: &Event) -> bool {
    Follow::shows_client(event)
}
