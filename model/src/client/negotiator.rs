//! The sound client, with its variants, and with each known flaw as a switch.
//!
//! One function makes all decisions: [`Negotiator::step`](Client::step). Where it checks for a flaw,
//! the other branch is the behaviour of a sound client.

mod choices;
mod connection;
mod offer;
mod receive;
mod session;

pub use self::choices::Asked;
use crate::client::state::{Knowledge, Link, Mode, Phase, Rest, State};
use crate::client::{Client, End, Input, Output, Outputs, Step, View};
use crate::flaw::{Flaw, Flaws};
use crate::message::{Bounds, Command, Piece, Reply};
use crate::policy::Policy;
use crate::protocol::{Protocol, Twin};
use crate::variant::Variant;

/// A client that negotiates TLS in band.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Negotiator {
    /// Its protocol.
    pub protocol: &'static Protocol,
    /// The policy of each of the user's sessions, in order.
    pub sessions: Vec<Policy>,
    /// Its legal choices.
    pub variant: Variant,
    /// Its flaws.
    pub flaws: Flaws,
    /// The bounds of its buffers.
    pub bounds: Bounds,
    /// The most connections that it opens for one session.
    pub connections: u8,
    /// Whether its user repeats all sessions, in the same order, after the last has ended.
    pub endless: bool,
}

impl Negotiator {
    /// The common sound client with one session.
    pub fn sound(protocol: &'static Protocol, policy: Policy) -> Self {
        Self {
            protocol,
            sessions: vec![policy],
            variant: Variant::COMMON,
            flaws: Flaws::NONE,
            bounds: Bounds::STANDARD,
            connections: Self::CONNECTIONS,
            endless: false,
        }
    }

    /// The most connections that a client opens for one session by default.
    pub const CONNECTIONS: u8 = 2;

    /// The same client with these flaws.
    #[must_use]
    pub fn with_flaws(mut self, flaws: impl Into<Flaws>) -> Self {
        self.flaws = flaws.into();
        self
    }

    /// The same client with these choices.
    #[must_use]
    pub const fn with_variant(mut self, variant: Variant) -> Self {
        self.variant = variant;
        self
    }
}

impl Negotiator {
    /// The step of the client with these choices on an input, and the choices on which it depends.
    pub fn step_asking(
        &self,
        variant: Variant,
        state: &State,
        input: &Input,
    ) -> (Step<State>, Asked) {
        let mut run = Run::new(self, state.clone());
        run.variant = variant;
        if run.state.phase != Phase::Ended {
            run.take(input);
        }
        let asked = run.asked.clone();
        (run.finish(), asked)
    }
}

impl Client for Negotiator {
    type State = State;

    fn start(&self) -> Step<State> {
        let state = State {
            phase: Phase::Connecting,
            session: 0,
            connection: 0,
            link: Link::None,
            mode: Mode::Usual,
            known: Knowledge::NOTHING,
            buffer: arrayvec::ArrayVec::new(),
            fragment: None,
            rest: Rest::Read,
        };
        let mut run = Run::new(self, state);
        run.connect(run.target());
        run.finish()
    }

    fn step(&self, state: &State, input: &Input) -> Step<State> {
        self.step_asking(self.variant, state, input).0
    }

    fn read(&self, state: &State, piece: Piece<Reply>, more: bool) -> Option<Step<State>> {
        let mut run = Run::new(self, state.clone());
        if run.state.phase != Phase::Ended {
            run.read(piece, more);
        }
        Some(run.finish())
    }

    fn view(&self, state: &State) -> View {
        match state.phase {
            Phase::Ended => View::Ended,
            Phase::Handshake => View::Handshaking,
            Phase::Channel => View::Channel,
            _ => View::Open(state.layer()),
        }
    }

    fn holds_fragment(&self, state: &State) -> bool {
        state.fragment.is_some()
    }
}

/// The reason why a client has no TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Setback {
    /// The upgrade was not offered.
    MissingOffer,
    /// The request for the capabilities was answered with an error.
    CapabilityError,
    /// The upgrade was refused.
    Refusal,
    /// The reply could not be read.
    Garbled,
    /// The reply has a status that the protocol does not define.
    Unknown,
    /// The handshake failed.
    Handshake,
    /// Clear text came where the handshake should have begun.
    ClearText,
    /// The connection ended, or the deadline passed.
    Lost,
}

/// A step in progress.
struct Run<'a> {
    client: &'a Negotiator,
    state: State,
    outputs: Outputs,
    /// Whether more pieces follow in the segment.
    more: bool,
    /// The client's choices.
    variant: Variant,
    /// The choices that the step has depended on so far.
    asked: Asked,
}

impl<'a> Run<'a> {
    fn new(client: &'a Negotiator, state: State) -> Self {
        Self {
            client,
            state,
            outputs: Outputs::new(),
            more: false,
            variant: client.variant,
            asked: Asked::new(),
        }
    }
}

impl Run<'_> {
    fn has(&self, flaw: Flaw) -> bool {
        self.client.flaws.has(flaw)
    }

    fn policy(&self) -> Policy {
        let last = self.client.sessions.len().saturating_sub(1);
        let index = usize::from(self.state.session).min(last);
        self.client.sessions.get(index).copied().unwrap_or(Policy::Required)
    }

    fn protocol(&self) -> &'static Protocol {
        self.client.protocol
    }

    fn out(&mut self, output: Output) {
        // The longest step is far below the capacity; a test over all reachable steps checks this.
        let _ = self.outputs.try_push(output);
    }

    fn send(&mut self, command: Command) {
        self.out(Output::Send(command));
    }

    fn finish(mut self) -> Step<State> {
        if self.state.phase == Phase::Ended {
            self.state.buffer.clear();
            self.state.fragment = None;
            self.state.rest = Rest::Read;
            self.state.known = Knowledge::NOTHING;
            self.state.mode = Mode::Usual;
            self.state.link = Link::None;
            self.state.connection = 0;
        }
        Step { state: self.state, outputs: self.outputs }
    }

    /// Discards the received messages that were not used yet, to the end of the segment.
    fn drop_rest(&mut self) {
        self.state.buffer.clear();
        if self.more {
            self.state.rest = Rest::Dropped;
        }
    }

    fn take(&mut self, input: &Input) {
        match input {
            Input::Connected => self.connected(),
            Input::Segment(segment) => self.receive(segment),
            Input::Handshake(peer) => self.handshake_done(*peer),
            Input::HandshakeFailed => {
                if self.state.phase == Phase::Handshake {
                    self.setback(Setback::Handshake);
                }
            }
            Input::TlsEnded => self.tls_ended(),
            Input::Channel(peer) => self.channel_done(Some(*peer)),
            Input::ChannelFailed => self.channel_done(None),
            Input::Closed(close) => self.closed(*close),
            Input::Deadline => {
                if self.has(Flaw::TakesDeadlineAsSuccess) {
                    self.end(End::Delivered, false);
                } else if !self.has(Flaw::NeverEnds) {
                    self.state.connection = self.client.connections;
                    self.refuse();
                }
            }
        }
    }
}

impl Protocol {
    /// Whether a client can be told to use the implicit port.
    pub fn has_implicit(&self) -> bool {
        self.implicit != Twin::None
    }
}
