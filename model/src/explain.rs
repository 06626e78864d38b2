//! Trace inclusion: whether a recorded run is a run of a client of the model, and of which.
//!
//! A run is lifted to the model's alphabet: what the peer said, segment by segment, and what the
//! client said, in the order in which the peer sent and received. A client may not have read what
//! was sent before it spoke, and it may read two segments at once; both are tried. What a client
//! does not do proves nothing, so every prefix of a run of the model is explained by it.
//!
//! Harmless detours that no property speaks of are taken out first: `NOOP` and its reply, a
//! goodbye, a question for the capabilities that is asked again, further rounds of a delivery.

use crate::client::{Client, Close, End, Input, Negotiator, Output, Peer, Step, View};
use crate::flaw::{Flaw, Flaws, Side};
use crate::message::{Bounds, CAPACITY, Command, Layer, Piece, Reply, Segment};
use crate::policy::Policy;
use crate::property::{Properties, Property};
use crate::protocol::{Memory, Protocol};
use crate::variant::Variant;

/// One thing that was seen on a connection, from the peer's side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The peer said something in one write.
    Said {
        /// What.
        segment: Segment<Reply>,
        /// In which layer.
        layer: Layer,
        /// Which command it answers, if any.
        answers: Option<Command>,
    },
    /// The client said something.
    Heard(Command, Layer),
    /// The client sent a ClientHello.
    ClientHello,
    /// The handshake was completed with this certificate.
    Handshake(Peer),
    /// The handshake failed.
    HandshakeFailed,
    /// The peer ended TLS and kept the connection.
    TlsEnded,
    /// The peer closed.
    Closed(Close),
    /// The client told its user that the data were delivered.
    Succeeded,
}

/// A run, lifted: the events of each connection, in the order in which they were opened.
pub type Run = Vec<Vec<Event>>;

/// Who explains a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Explanation {
    /// A sound client, with these choices.
    Sound(Variant),
    /// No sound client, but flawed ones.
    Flawed(Vec<Suspect>),
    /// No client of the model.
    Nobody,
}

/// A flawed client that explains a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspect {
    /// Its mistake.
    pub flaw: Flaw,
    /// What the mistake broke in this run, as far as the client's own steps show.
    pub broken: Properties,
}

/// Explains a run of a client whose user has these sessions.
///
/// Where no sound client explains all of it, the first thing that was seen and that none of them
/// would have done decides: the flawed clients that explain more than any sound one are suspects,
/// whatever came after that.
pub fn explain(protocol: &'static Protocol, sessions: &[Policy], run: &Run) -> Explanation {
    // The third is no proof of soundness: it hides a question that was asked again.
    let runs = [
        straightened(run, sessions.len(), Question::Last),
        run.clone(),
        straightened(run, sessions.len(), Question::First),
    ];
    let variants = Variant::all();
    let client = |variant, flaws: Flaws| Negotiator {
        protocol,
        sessions: sessions.to_vec(),
        variant,
        flaws,
        bounds: Bounds { messages: CAPACITY },
    };
    let mut farthest = [0; 3];
    for &variant in &variants {
        for (index, (run, farthest)) in runs.iter().zip(&mut farthest).enumerate() {
            let reach = follows(&client(variant, Flaws::NONE), run);
            if reach.complete && index < 2 {
                return Explanation::Sound(variant);
            }
            *farthest = reach.seen.max(*farthest);
        }
    }
    // Who explains most is suspected; what all of its variants would have broken on the way is what
    // the run proves. The variants in one choice are enough to give a mistake its name.
    let mut suspects: Vec<(usize, Suspect)> = Vec::new();
    for flaw in Flaw::of(Side::Client) {
        let mut best: Option<Reach> = None;
        for variant in Variant::single() {
            for (run, farthest) in runs.iter().zip(farthest) {
                let reach = follows(&client(variant, flaw.into()), run);
                // Counted from what no sound client would have done, in either form of the run.
                let Some(beyond) = reach.seen.checked_sub(farthest).filter(|&more| more > 0) else {
                    continue;
                };
                let reach = Reach { seen: beyond, ..reach };
                best = Some(match best {
                    Some(other) if other.seen > reach.seen => other,
                    Some(other) if other.seen == reach.seen => Reach {
                        broken: other.broken.iter().filter(|&p| reach.broken.has(p)).collect(),
                        ..reach
                    },
                    _ => reach,
                });
            }
        }
        suspects.extend(best.map(|reach| (reach.seen, Suspect { flaw, broken: reach.broken })));
    }
    let most = suspects.iter().map(|(seen, _)| *seen).max().unwrap_or_default();
    let suspects: Vec<Suspect> = suspects
        .into_iter()
        .filter(|(seen, _)| *seen == most)
        .map(|(_, suspect)| suspect)
        .collect();
    if suspects.is_empty() { Explanation::Nobody } else { Explanation::Flawed(suspects) }
}

/// How far a client explains a run.
#[derive(Clone, Copy, Debug, Default)]
struct Reach {
    /// Whether it explains all of it.
    complete: bool,
    /// How much of what was seen of the client it explains.
    seen: usize,
    /// What it broke on the way.
    broken: Properties,
}

/// Which of several questions for the capabilities is taken for the one that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    /// The first: what it was answered with decided, although the client went on asking.
    First,
    /// The last.
    Last,
}

/// A run without the detours that no property speaks of.
fn straightened(run: &Run, sessions: usize, question: Question) -> Run {
    // A second delivery may be a second session's: it is no detour then.
    let detours: &[Command] =
        if sessions > 1 { &[Command::Hello] } else { &[Command::Hello, Command::Deliver] };
    run.iter().map(|events| repeated(&without_noise(events), detours, question)).collect()
}

fn without_noise(events: &[Event]) -> Vec<Event> {
    let noise = |event: &&Event| {
        !matches!(
            event,
            Event::Heard(Command::Noop | Command::Goodbye, _)
                | Event::Said { answers: Some(Command::Noop | Command::Goodbye), .. }
        )
    };
    events.iter().filter(noise).cloned().collect()
}

/// Takes out a question that is asked again, and all rounds of a delivery but the last.
fn repeated(events: &[Event], detours: &[Command], question: Question) -> Vec<Event> {
    let mut kept: Vec<Event> = Vec::new();
    let mut again = false;
    for event in events {
        let answers = Some(Command::Hello);
        if again && matches!(event, Event::Said { answers: to, .. } if *to == answers) {
            continue;
        }
        again = false;
        if let Event::Heard(command, layer) = event
            && detours.contains(command)
        {
            let last = kept.iter().rposition(|event| !matches!(event, Event::Said { .. }));
            if let Some(last) = last
                && kept[last] == Event::Heard(*command, *layer)
            {
                if *command == Command::Hello && question == Question::First {
                    again = true;
                    continue;
                }
                let answered = |event: &Event| matches!(event, Event::Said { answers: Some(answer), .. } if answer == command);
                let rest = kept.split_off(last);
                kept.extend(rest.into_iter().skip(1).filter(|event| !answered(event)));
            }
        }
        kept.push(event.clone());
    }
    kept
}

/// How far this client explains a run.
fn follows(client: &Negotiator, run: &Run) -> Reach {
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
    client: &'a Negotiator,
    events: &'a [Event],
    state: crate::client::State,
    /// What it does and was not yet seen doing.
    pending: Vec<Output>,
    /// The next input that it has not read.
    input: usize,
    /// The next event in which it was not yet seen.
    seen: usize,
    /// How much of it was seen.
    matched: usize,
    in_tls: bool,
    /// In which layer it said what waits to be seen; unknown for its last words.
    layer: Option<Layer>,
    broken: Properties,
    /// Where it stands on a further connection, if it opened one.
    reconnected: Option<Step<crate::client::State>>,
}

impl<'a> Follow<'a> {
    fn new(
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
                Output::Send(_) | Output::StartTls => self.pending.push(output),
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
    fn read(&mut self, merged: usize, before: usize) -> bool {
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
fn matches(output: Output, layer: Option<Layer>, event: &Event) -> bool {
    match (output, event) {
        (Output::StartTls, Event::ClientHello)
        | (Output::End(End::Delivered), Event::Succeeded) => true,
        (Output::Send(command), Event::Heard(heard, heard_in)) => {
            command == *heard && layer.is_none_or(|layer| layer == *heard_in)
        }
        _ => false,
    }
}
