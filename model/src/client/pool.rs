//! A session of a pool whose sessions run at the same time.
//!
//! Each session has its own connection and [`Negotiator`]. All sessions of a pool read and write one
//! [`Memory`]; the pool's [`Sharing`] decides what they keep there. A step reads the memory first and
//! writes it last, and no step of another session comes between.

use super::negotiator::Negotiator;
use super::state::{Link, Mode, Phase, State};
use super::{Client, End, Input, Output, Outputs, Peer, Step, View};
use crate::message::{Command, Layer, Mechanism, Piece, Reply, Segment};
use crate::policy::Policy;
use crate::protocol::Protocol;

/// What the sessions of a pool share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Sharing {
    /// Nothing. Sound.
    Nothing,
    /// Facts received inside authenticated TLS: that the host has TLS, so that no later session goes
    /// without; and the login mechanism that the host names there, for all sessions. Sound.
    Authenticated,
    /// Mistake: that the host refused the upgrade to one session. Later sessions do not request it.
    Refusals,
    /// Mistake: the login mechanism that the host names in clear. A session forgets it when its own TLS
    /// begins (RFC 3207 section 4.2), and gets it again when the other session receives a list.
    ClearLists,
    /// Mistake: the same for lists inside TLS with a peer whose certificate was not checked.
    UncheckedLists,
    /// Mistake: the receive buffer. An incomplete line of one connection is completed by the other.
    Buffer,
    /// Mistake: the certificate that a session without checks has accepted. The other session accepts it, too.
    Certificates,
    /// Mistake: the connection of a session that gave up before TLS. The next session uses it as if it
    /// were ready.
    Connections,
    /// Mistake: the buffer for outgoing data. Each session sends the data that were stored last.
    Outbox,
    /// Mistake: that the host has confirmed a delivery. Each waiting session accepts the confirmation
    /// as its own.
    Confirmations,
}

impl Sharing {
    /// The mistakes.
    pub const MISTAKES: [Self; 8] = [
        Self::Refusals,
        Self::ClearLists,
        Self::UncheckedLists,
        Self::Buffer,
        Self::Certificates,
        Self::Connections,
        Self::Outbox,
        Self::Confirmations,
    ];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Authenticated => "authenticated",
            Self::Refusals => "refusals",
            Self::ClearLists => "clear-lists",
            Self::UncheckedLists => "unchecked-lists",
            Self::Buffer => "buffer",
            Self::Certificates => "certificates",
            Self::Connections => "connections",
            Self::Outbox => "outbox",
            Self::Confirmations => "confirmations",
        }
    }
}

/// What all sessions of a pool read and write. Each [`Sharing`] uses its own part of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Memory {
    has_tls: bool,
    refused: bool,
    mechanism: Option<Mechanism>,
    fragment: Option<(Piece<Reply>, Layer)>,
    accepted: Option<Peer>,
    idle: bool,
    outbox: Option<u8>,
    confirmed: bool,
}

impl Memory {
    /// Whether a connection is left in the pool.
    pub(crate) const fn leaves(self) -> bool {
        self.idle
    }
}

/// The state of a session of a pool: its own state, and the current memory of the pool.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Member {
    state: State,
    /// The pool's memory.
    pub(crate) memory: Memory,
    /// The session whose data it has sent, if they were not its own.
    pub(crate) foreign: Option<u8>,
}

/// The client of one session of a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pooled {
    session: u8,
    sharing: Sharing,
    own: Negotiator,
    /// The same client with a pool that knows that the host has TLS.
    strict: Negotiator,
}

impl Pooled {
    /// The common sound client of a session with this number and policy.
    pub fn new(protocol: &'static Protocol, session: u8, policy: Policy, sharing: Sharing) -> Self {
        Self {
            session,
            sharing,
            own: Negotiator::sound(protocol, policy),
            strict: Negotiator::sound(protocol, Policy::Required),
        }
    }

    /// Begins the session with this memory of the pool.
    pub(crate) fn begin(&self, mut memory: Memory) -> Step<Member> {
        if self.sharing == Sharing::Outbox {
            memory.outbox = Some(self.session);
        }
        let mut step = self.own.start();
        if memory.idle {
            // It uses the connection that was left, and logs in as on any ready connection.
            memory.idle = false;
            step.state.mode = Mode::ClearOnly;
            let mut greeted = self.own.step(&step.state, &Input::Connected);
            if greeted.state.phase == Phase::Opening {
                let greeting = Input::Segment(Segment::one(Reply::Greeting));
                greeted = self.own.step(&greeted.state, &greeting);
            }
            step = greeted;
        }
        self.finish(memory, None, step)
    }

    /// The same session with another memory of the pool.
    pub(crate) fn reminded(member: &Member, memory: Memory) -> Member {
        Member { memory, ..member.clone() }
    }

    /// The input as the session reads it, given the pool's memory.
    fn reads(&self, memory: Memory, state: &mut State, input: &Input) -> Input {
        if self.sharing == Sharing::Buffer {
            state.fragment = memory.fragment;
        }
        match input {
            Input::Connected if memory.refused => state.mode = Mode::ClearOnly,
            &Input::Handshake(peer) if memory.accepted == Some(peer) => {
                return Input::Handshake(Peer::Genuine);
            }
            _ if memory.confirmed && state.phase == Phase::Delivery => {
                state.fragment = None;
                return Input::Segment(Segment::one(Reply::Done));
            }
            _ => {}
        }
        input.clone()
    }

    /// Updates the pool's memory after a step.
    fn writes(&self, memory: &mut Memory, before: &State, input: &Input, step: &mut Step<State>) {
        let did = |output| step.outputs.contains(&output);
        if let Input::Segment(segment) = input {
            let from = match before.link {
                Link::Clear => Sharing::ClearLists,
                Link::Unverified => Sharing::UncheckedLists,
                Link::Verified => Sharing::Authenticated,
                Link::None => Sharing::Nothing,
            };
            for piece in segment.pieces() {
                match *piece {
                    Piece::Whole(Reply::Capabilities { mechanism, .. }) if from == self.sharing => {
                        memory.mechanism = Some(mechanism);
                    }
                    Piece::Whole(Reply::Refuse) if before.phase == Phase::Answer => {
                        memory.refused |= self.sharing == Sharing::Refusals;
                    }
                    _ => {}
                }
            }
        }
        if did(Output::StartTls) {
            memory.mechanism = None;
        }
        match (self.sharing, input) {
            (Sharing::Authenticated, _) => memory.has_tls |= step.state.link == Link::Verified,
            (Sharing::Confirmations, _) => memory.confirmed |= did(Output::End(End::Delivered)),
            (Sharing::Buffer, _) => memory.fragment = step.state.fragment.take(),
            (Sharing::Certificates, &Input::Handshake(peer)) if !self.needs_tls() => {
                memory.accepted = Some(peer);
            }
            (Sharing::Connections, _) => {
                let half_open =
                    matches!(before.phase, Phase::Opening | Phase::Offer | Phase::Answer);
                if half_open && did(Output::End(End::Refused)) && did(Output::Close) {
                    let leaves = [Output::Send(Command::Goodbye), Output::Close];
                    step.outputs.retain(|output| !leaves.contains(output));
                    memory.idle = true;
                }
            }
            _ => {}
        }
    }

    fn needs_tls(&self) -> bool {
        self.own.sessions.iter().all(|policy| policy.needs_tls())
    }

    /// The step of the session, with the pool's memory after it.
    fn finish(&self, memory: Memory, foreign: Option<u8>, step: Step<State>) -> Step<Member> {
        let Step { state, mut outputs } = step;
        if let (Some(mechanism), Layer::Tls) = (memory.mechanism, state.layer()) {
            name_mechanism(&mut outputs, mechanism);
        }
        let sends = outputs.contains(&Output::Send(Command::Deliver));
        let data = memory.outbox.unwrap_or(self.session);
        let foreign = if sends && data != self.session { Some(data) } else { foreign };
        Step { state: Member { state, memory, foreign }, outputs }
    }
}

/// Sets the mechanism of each login.
fn name_mechanism(outputs: &mut Outputs, mechanism: Mechanism) {
    for output in outputs {
        if let Output::Send(Command::Login(named) | Command::Begin(named)) = output {
            *named = mechanism;
        }
    }
}

impl Client for Pooled {
    type State = Member;

    fn start(&self) -> Step<Member> {
        self.begin(Memory::default())
    }

    fn step(&self, member: &Member, input: &Input) -> Step<Member> {
        if member.state.phase == Phase::Ended {
            return Step { state: member.clone(), outputs: Outputs::new() };
        }
        let mut memory = member.memory;
        let mut state = member.state.clone();
        let input = self.reads(memory, &mut state, input);
        let client = if memory.has_tls { &self.strict } else { &self.own };
        let mut step = client.step(&state, &input);
        self.writes(&mut memory, &state, &input, &mut step);
        self.finish(memory, member.foreign, step)
    }

    fn view(&self, member: &Member) -> View {
        self.own.view(&member.state)
    }

    /// A fragment left in the buffer stays: a client outside a pool has one, too.
    fn by_itself(&self, member: &Member) -> Member {
        let fragment = member.memory.fragment;
        Self::reminded(member, Memory { fragment, ..Memory::default() })
    }

    fn holds_fragment(&self, member: &Member) -> bool {
        member.state.fragment.is_some() || member.memory.fragment.is_some()
    }
}
