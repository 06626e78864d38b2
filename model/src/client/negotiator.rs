//! The sound client, with its variants, and each known flaw as a switch on it.
//!
//! One function decides everything: [`Negotiator::step`](Client::step). Where a flaw is asked for,
//! the branch beside it is what a sound client does.

use crate::client::state::{Cell, Knowledge, Link, Mode, Phase, State};
use crate::client::{Client, Close, End, Input, Output, Outputs, Peer, Step, Target, View};
use crate::flaw::{Flaw, Flaws};
use crate::message::{Bounds, Command, Layer, Mechanism, Piece, Reply, Segment};
use crate::policy::Policy;
use crate::protocol::{
    Answer, Authentication, Channel, Inside, Memory, Offer, Opening, Protocol, Twin, Unoffered,
    Welcome,
};
use crate::variant::{Leftover, Login, Variant};

/// The connections that a client opens for one session at most.
const MAX_CONNECTIONS: u8 = 2;

/// A client that negotiates TLS in band.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Negotiator {
    /// Its protocol.
    pub protocol: &'static Protocol,
    /// The policy of each of the user's sessions, in order.
    pub sessions: Vec<Policy>,
    /// Its legal choices.
    pub variant: Variant,
    /// Its mistakes.
    pub flaws: Flaws,
    /// How much it can hold.
    pub bounds: Bounds,
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
        }
    }

    /// The same client with these mistakes.
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
        };
        let mut run = Run { client: self, state, outputs: Outputs::new() };
        run.connect(run.target());
        run.finish()
    }

    fn step(&self, state: &State, input: &Input) -> Step<State> {
        let mut run = Run { client: self, state: state.clone(), outputs: Outputs::new() };
        if run.state.phase != Phase::Ended {
            run.take(input);
        }
        run.finish()
    }

    fn view(&self, state: &State) -> View {
        match state.phase {
            Phase::Ended => View::Ended,
            Phase::Handshake => View::Handshaking,
            _ => View::Open(state.layer()),
        }
    }

    fn holds_fragment(&self, state: &State) -> bool {
        state.fragment.is_some()
    }
}

/// Why a client has no TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Setback {
    /// The upgrade was not offered.
    MissingOffer,
    /// The question for the capabilities was answered with an error.
    CapabilityError,
    /// The upgrade was refused.
    Refusal,
    /// The reply could not be read.
    Garbled,
    /// The handshake failed.
    Handshake,
    /// Clear text came where the handshake should have begun.
    ClearText,
    /// The connection ended, or the deadline passed.
    Lost,
}

/// One step under way.
struct Run<'a> {
    client: &'a Negotiator,
    state: State,
    outputs: Outputs,
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

    fn variant(&self) -> Variant {
        self.client.variant
    }

    fn protocol(&self) -> &'static Protocol {
        self.client.protocol
    }

    fn out(&mut self, output: Output) {
        // The longest step is far below the capacity; a test over all reachable steps says so.
        let _ = self.outputs.try_push(output);
    }

    fn send(&mut self, command: Command) {
        self.out(Output::Send(command));
    }

    fn finish(mut self) -> Step<State> {
        if self.state.phase == Phase::Ended {
            self.state.buffer.clear();
            self.state.fragment = None;
            self.state.known = Knowledge::NOTHING;
            self.state.mode = Mode::Usual;
            self.state.link = Link::None;
            self.state.connection = 0;
        }
        Step { state: self.state, outputs: self.outputs }
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
            Input::Closed(close) => self.closed(*close),
            Input::Deadline => {
                if !self.has(Flaw::NeverEnds) {
                    self.state.connection = MAX_CONNECTIONS;
                    self.refuse();
                }
            }
        }
    }

    // Connections and sessions.

    fn target(&self) -> Target {
        match self.policy() {
            Policy::Implicit => Target::Implicit,
            Policy::Required | Policy::Opportunistic => Target::Upgrade,
        }
    }

    fn connect(&mut self, target: Target) {
        self.state.link = Link::Clear;
        self.state.known = Knowledge::NOTHING;
        self.state.buffer.clear();
        self.state.fragment = None;
        self.state.phase = Phase::Connecting;
        self.out(Output::Connect(target));
    }

    fn connected(&mut self) {
        if self.state.phase != Phase::Connecting {
            return;
        }
        if self.policy() == Policy::Implicit && self.state.mode == Mode::Usual {
            self.start_tls();
            return;
        }
        match self.protocol().opening {
            Opening::Client => self.introduce(),
            Opening::Greeting | Opening::Capabilities => self.state.phase = Phase::Opening,
        }
    }

    /// Ends the session; another one may follow.
    fn end(&mut self, end: End, keep: bool) {
        self.out(Output::End(end));
        let more = usize::from(self.state.session) + 1 < self.client.sessions.len();
        if !more {
            if self.state.link != Link::None {
                self.out(Output::Close);
            }
            self.state.phase = Phase::Ended;
            return;
        }
        self.state.session += 1;
        self.state.connection = 0;
        self.state.mode = Mode::Usual;
        let link = self.state.link;
        let usable = match link {
            Link::Verified => keep,
            Link::Clear | Link::Unverified => {
                keep && (!self.policy().needs_tls() || self.has(Flaw::ReusesClearConnection))
            }
            Link::None => false,
        };
        let half_open = link == Link::Clear
            && end == End::Refused
            && self.state.phase == Phase::Handshake
            && self.has(Flaw::ReusesAfterFailedHandshake);
        if usable {
            self.deliver();
        } else if half_open {
            self.log_in();
        } else {
            if link != Link::None {
                self.out(Output::Close);
            }
            self.connect(self.target());
        }
    }

    fn refuse(&mut self) {
        if self.state.link != Link::None
            && self.variant().says_goodbye
            && !matches!(self.state.phase, Phase::Connecting | Phase::Handshake)
        {
            self.send(Command::Goodbye);
        }
        if !self.has(Flaw::StaysSilent) {
            self.out(Output::Tell);
        }
        self.end(End::Refused, false);
    }

    /// There is no TLS: falls back where the policy says so or a mistake does, else gives up.
    fn setback(&mut self, setback: Setback) {
        let goes_on = match setback {
            Setback::MissingOffer => self.has(Flaw::IgnoresMissingOffer),
            Setback::CapabilityError => self.has(Flaw::IgnoresCapabilityError),
            Setback::Refusal => self.has(Flaw::IgnoresRefusal),
            Setback::Garbled => self.has(Flaw::AcceptsGarbledReply),
            Setback::Handshake => self.has(Flaw::GoesOnAfterFailedHandshake),
            Setback::ClearText => self.has(Flaw::BelievesPositiveReplyWithoutTls),
            Setback::Lost => false,
        };
        let may_reconnect = self.state.connection + 1 < MAX_CONNECTIONS;
        if setback == Setback::Garbled && self.variant().skips_unasked && !goes_on {
            return;
        }
        if goes_on {
            self.go_on_in_clear();
            return;
        }
        let broken = matches!(setback, Setback::Handshake | Setback::ClearText | Setback::Lost);
        if self.policy() == Policy::Opportunistic {
            match setback {
                Setback::MissingOffer | Setback::CapabilityError | Setback::Refusal => {
                    self.go_on_in_clear();
                    return;
                }
                Setback::Handshake | Setback::ClearText if may_reconnect => {
                    self.reconnect(Mode::ClearOnly);
                    return;
                }
                Setback::Garbled | Setback::Handshake | Setback::ClearText | Setback::Lost => {}
            }
        }
        if may_reconnect && self.has(Flaw::ReconnectsInClear) {
            self.reconnect(Mode::ClearOnly);
        } else if may_reconnect && broken && self.variant().retries {
            let mode = self.state.mode;
            self.reconnect(mode);
        } else {
            self.refuse();
        }
    }

    fn reconnect(&mut self, mode: Mode) {
        if self.state.link != Link::None {
            self.out(Output::Close);
        }
        self.state.connection += 1;
        self.state.mode = mode;
        let target = if mode == Mode::ClearOnly { Target::Upgrade } else { self.target() };
        self.connect(target);
    }

    fn closed(&mut self, _close: Close) {
        self.state.link = Link::None;
        match self.state.phase {
            Phase::Delivery if self.has(Flaw::TakesTruncationAsSuccess) => {
                self.out(Output::TookTruncation);
                self.end(End::Delivered, false);
            }
            _ if self.has(Flaw::NeverEnds) => {}
            Phase::Connecting
            | Phase::Opening
            | Phase::Offer
            | Phase::Answer
            | Phase::Handshake => self.setback(Setback::Lost),
            _ => self.refuse(),
        }
    }

    fn tls_ended(&mut self) {
        if self.has(Flaw::LetsTlsBeTakenAway) {
            self.state.link = Link::Clear;
        } else {
            // TLS was taken away: what is sent now would be in clear, and so nothing is.
            if !self.has(Flaw::StaysSilent) {
                self.out(Output::Tell);
            }
            self.end(End::Refused, false);
        }
    }

    // Messages.

    fn receive(&mut self, segment: &Segment<Reply>) {
        let layer = self.state.layer();
        for &piece in segment.pieces() {
            let (message, layer) = match self.state.fragment.take() {
                // The head decides what the whole reads as, and taints it.
                Some((head, head_layer)) => (head.message(), head_layer),
                None => (piece.message(), layer),
            };
            if piece.is_fragment() {
                let held = match piece {
                    Piece::Block(_) => Piece::Block(message),
                    Piece::Whole(_) | Piece::Line(_) => Piece::Line(message),
                };
                self.state.fragment = Some((held, layer));
            } else if self.state.buffer.len() < self.client.bounds.messages {
                self.state.buffer.push(Cell { reply: message, layer });
            }
        }
        if self.state.phase == Phase::Handshake {
            // Clear bytes where the handshake should have begun.
            let goes_on = self.has(Flaw::BelievesPositiveReplyWithoutTls);
            if self.state.buffer.is_empty() && goes_on {
                return;
            }
            self.setback(Setback::ClearText);
            if !goes_on {
                return;
            }
        }
        self.drain();
    }

    /// Acts on what is in the buffer for as long as it waits for messages.
    fn drain(&mut self) {
        while !self.state.buffer.is_empty()
            && !matches!(self.state.phase, Phase::Connecting | Phase::Handshake | Phase::Ended)
        {
            let cell = self.state.buffer.remove(0);
            self.act(cell);
        }
    }

    fn act(&mut self, cell: Cell) {
        let inside = self.state.layer() == Layer::Tls;
        if !inside && self.notes_in_clear(cell.reply) {
            return;
        }
        let before = (self.state.phase, self.state.session, self.outputs.len());
        self.answer(cell);
        // Giving up is what a sound client may do about a reply that should not be there.
        let gave_up = self.outputs[before.2..].contains(&Output::End(End::Refused));
        let went_on =
            (self.state.phase, self.state.session, self.outputs.len()) != before && !gave_up;
        if inside && went_on {
            let _ = self.outputs.try_insert(before.2, Output::Took(cell.layer));
        }
    }

    fn answer(&mut self, cell: Cell) {
        match (self.state.phase, cell.reply) {
            (_, Reply::Notice) => {
                if cell.layer == Layer::Clear && self.has(Flaw::ShowsClearAlert) {
                    self.out(Output::ShowedClearText);
                }
            }
            (Phase::Opening, reply) => self.on_opening(reply),
            (Phase::Offer, reply) => self.on_offer(reply),
            (Phase::Answer, reply) => self.on_answer(reply),
            (Phase::FirstWords, reply) => self.on_first_words(reply, cell.layer),
            (Phase::Capabilities, reply) => self.on_capabilities(reply, cell.layer),
            (Phase::Challenge, Reply::Challenge) => {
                self.send(Command::Credential);
                self.state.phase = Phase::Login;
            }
            (Phase::Login, Reply::Challenge) => self.send(Command::Credential),
            (Phase::Challenge | Phase::Login, Reply::LoggedIn) => self.deliver(),
            (Phase::Login, reply) if self.is_good(reply) => self.deliver(),
            (Phase::Protection, Reply::Done) => self.transfer(Layer::Tls),
            (Phase::Delivery, Reply::Done) => {
                let more = usize::from(self.state.session) + 1 < self.client.sessions.len();
                if !more && self.variant().says_goodbye {
                    self.send(Command::Goodbye);
                }
                self.end(End::Delivered, true);
            }
            _ => self.refuse(),
        }
    }

    /// What flawed clients pick up in clear; whether the message was consumed by that.
    fn notes_in_clear(&mut self, reply: Reply) -> bool {
        let before_tls = matches!(self.state.phase, Phase::Opening | Phase::Offer | Phase::Answer);
        if !before_tls || !self.policy_wants_tls() {
            return false;
        }
        match reply {
            Reply::Redirect if self.has(Flaw::FollowsClearRedirect) => {
                if self.state.connection + 1 < MAX_CONNECTIONS {
                    self.out(Output::Close);
                    self.state.connection += 1;
                    self.connect(Target::Redirected);
                    return true;
                }
                false
            }
            Reply::LoggedIn | Reply::Welcome if self.has(Flaw::BelievesEarlySuccess) => {
                self.state.known.early_success = true;
                if reply == Reply::Welcome && self.state.phase == Phase::Opening {
                    self.introduce();
                }
                true
            }
            Reply::Challenge if self.has(Flaw::KeepsClearChallenge) => {
                self.state.known.clear_challenge = true;
                true
            }
            _ => false,
        }
    }

    fn policy_wants_tls(&self) -> bool {
        self.state.mode == Mode::Usual
    }

    fn on_opening(&mut self, reply: Reply) {
        if self.has(Flaw::TakesNameFromWire) {
            self.state.known.name_from_wire = true;
        }
        match (self.protocol().opening, reply) {
            (Opening::Greeting, Reply::Greeting) => self.introduce(),
            (Opening::Capabilities, Reply::Capabilities { upgrade, mechanism }) => {
                self.state.known.mechanism = Some((mechanism, Layer::Clear));
                if self.protocol().login == Authentication::FromOpening {
                    self.state.known.clear_challenge = true;
                }
                if self.state.mode == Mode::ClearOnly {
                    self.go_on_in_clear();
                    return;
                }
                if self.has(Flaw::SendsSecretBeforeRequest) {
                    self.send(self.secret());
                }
                self.offered(upgrade);
            }
            (_, Reply::Welcome) => self.welcome(),
            (_, Reply::Refuse | Reply::Bye) => self.refuse(),
            _ => self.setback(Setback::Garbled),
        }
    }

    fn welcome(&mut self) {
        if self.has(Flaw::BelievesPreauth) {
            self.state.phase = Phase::Login;
            self.out(Output::Skipped);
            self.deliver();
        } else if self.policy() == Policy::Opportunistic || self.state.mode == Mode::ClearOnly {
            self.introduce();
        } else {
            match self.protocol().welcome {
                Welcome::Upgrade => self.introduce(),
                Welcome::Close | Welcome::Unknown => self.refuse(),
            }
        }
    }

    /// The first words of the client on a clear connection.
    fn introduce(&mut self) {
        if self.state.mode == Mode::ClearOnly {
            self.go_on_in_clear();
            return;
        }
        if self.has(Flaw::SendsSecretBeforeRequest) {
            self.send(self.secret());
        }
        let asks = match self.protocol().offer {
            Offer::OnRequest => self.variant().asks_first || self.policy() == Policy::Opportunistic,
            // The introduction is part of the protocol.
            Offer::Unsaid => true,
            Offer::InOpening | Offer::Never => false,
        };
        if !asks {
            self.request();
            return;
        }
        self.send(Command::Hello);
        self.state.phase = Phase::Offer;
        if self.variant().pipelines && self.policy().needs_tls() {
            // The request is out before the answer is in; both answers follow in order.
            self.send(Command::Upgrade);
        }
    }

    fn on_offer(&mut self, reply: Reply) {
        match reply {
            Reply::Capabilities { upgrade, mechanism } => {
                self.state.known.mechanism = Some((mechanism, Layer::Clear));
                if self.has(Flaw::TakesNameFromWire) {
                    self.state.known.name_from_wire = true;
                }
                self.offered(upgrade || self.protocol().offer == Offer::Unsaid);
            }
            Reply::Refuse => {
                if self.may_try() && self.policy().needs_tls() {
                    self.request();
                } else {
                    self.setback(Setback::CapabilityError);
                }
            }
            Reply::Bye => self.refuse(),
            reply if self.is_good(reply) => self.offered(false),
            _ => self.setback(Setback::Garbled),
        }
    }

    /// Whether a reply is positive, for a client that asks for no more.
    fn is_good(&self, reply: Reply) -> bool {
        self.variant().reads_laxly
            && matches!(
                reply,
                Reply::Greeting
                    | Reply::Welcome
                    | Reply::Capabilities { .. }
                    | Reply::Accept
                    | Reply::LoggedIn
                    | Reply::Done
            )
    }

    fn may_try(&self) -> bool {
        self.variant().tries_unoffered && self.protocol().unoffered == Unoffered::MayTry
    }

    fn offered(&mut self, upgrade: bool) {
        if upgrade || self.may_try() {
            self.request();
        } else {
            self.setback(Setback::MissingOffer);
        }
    }

    /// Sends the upgrade request, if it is not out already, and waits for the answer.
    fn request(&mut self) {
        let early = !self.state.buffer.is_empty();
        let pipelined = self.state.phase == Phase::Offer
            && self.variant().pipelines
            && self.policy().needs_tls();
        self.state.phase = Phase::Answer;
        if !pipelined {
            self.send(Command::Upgrade);
        }
        if self.has(Flaw::PipelinesSecretWithRequest) {
            self.send(self.secret());
        }
        if self.protocol().answer == Answer::None {
            self.start_tls();
        } else if early && self.has(Flaw::BelievesEarlyReply) {
            self.state.buffer.clear();
            self.go_on_in_clear();
        }
    }

    fn on_answer(&mut self, reply: Reply) {
        match reply {
            Reply::Accept => self.start_tls(),
            Reply::Refuse => self.setback(Setback::Refusal),
            Reply::Bye => self.refuse(),
            reply if self.is_good(reply) => self.start_tls(),
            _ => self.setback(Setback::Garbled),
        }
    }

    // TLS.

    fn start_tls(&mut self) {
        let left = !self.state.buffer.is_empty() || self.state.fragment.is_some();
        let keeps = self.has(Flaw::KeepsBuffer) || self.has(Flaw::KeepsFragment);
        if left && !keeps && self.variant().leftover == Leftover::Refuse {
            self.state.phase = Phase::Answer;
            self.state.buffer.clear();
            self.state.fragment = None;
            // A goodbye would go out in clear between request and handshake: it is just closed.
            if !self.has(Flaw::StaysSilent) {
                self.out(Output::Tell);
            }
            self.end(End::Refused, false);
            return;
        }
        if !self.has(Flaw::KeepsBuffer) {
            self.state.buffer.clear();
        }
        if !self.has(Flaw::KeepsFragment) {
            self.state.fragment = None;
        }
        self.state.phase = Phase::Handshake;
        self.out(Output::StartTls);
    }

    fn handshake_done(&mut self, peer: Peer) {
        if self.state.phase != Phase::Handshake {
            return;
        }
        let accepted = match peer {
            Peer::Genuine => true,
            Peer::Untrusted => self.has(Flaw::AcceptsUntrustedCertificate),
            Peer::Expired => self.has(Flaw::AcceptsExpired),
            Peer::WrongName | Peer::OtherHost => {
                let from_wire = self.state.known.name_from_wire;
                if from_wire && !self.has(Flaw::AcceptsWrongName) {
                    self.out(Output::UsedNameFromWire);
                }
                from_wire || self.has(Flaw::AcceptsWrongName)
            }
        };
        let checks = self.policy().needs_tls();
        if !accepted && checks {
            self.state.link = Link::Unverified;
            self.state.phase = Phase::FirstWords;
            self.state.buffer.clear();
            self.state.fragment = None;
            self.refuse();
            return;
        }
        self.state.link = if checks { Link::Verified } else { Link::Unverified };
        if !self.has(Flaw::KeepsCapabilities) && self.protocol().memory == Memory::Forgotten {
            self.state.known.mechanism = None;
        }
        let challenge_survives = self.protocol().login == Authentication::FromOpening;
        if !self.has(Flaw::KeepsClearChallenge) && !challenge_survives {
            self.state.known.clear_challenge = false;
        }
        self.state.known.name_from_wire = false;
        self.begin();
        self.drain();
    }

    /// The session begins, in the layer that the connection is in.
    fn begin(&mut self) {
        if self.state.known.early_success && self.state.layer() == Layer::Tls {
            self.out(Output::Skipped);
            self.deliver();
            return;
        }
        let implicit = self.policy() == Policy::Implicit;
        let server_first = match (implicit, self.protocol().opening, self.protocol().inside) {
            (true, Opening::Greeting | Opening::Capabilities, _) | (false, _, Inside::Server) => {
                true
            }
            (true, Opening::Client, _) | (false, _, Inside::Client) => false,
        };
        if server_first && self.state.layer() == Layer::Tls {
            self.state.phase = Phase::FirstWords;
        } else {
            self.ask();
        }
    }

    fn ask(&mut self) {
        let believes = self.has(Flaw::KeepsCapabilities) && self.state.known.mechanism.is_some();
        // Who introduces itself in clear need not do it again; most do not, while most that asked
        // for capabilities ask again.
        let asks = match (self.protocol().offer, self.policy()) {
            (Offer::Unsaid, Policy::Implicit) => true,
            (Offer::Unsaid, _) => !self.variant().asks_inside,
            _ => self.variant().asks_inside,
        };
        if self.protocol().has_hello() && asks && !believes {
            self.send(Command::Hello);
            self.state.phase = Phase::Capabilities;
        } else {
            self.log_in();
        }
    }

    fn go_on_in_clear(&mut self) {
        self.state.link = Link::Clear;
        self.log_in();
    }

    // The session, in whatever layer.

    fn on_first_words(&mut self, reply: Reply, layer: Layer) {
        match reply {
            Reply::Greeting => self.ask(),
            Reply::Capabilities { mechanism, .. } => {
                self.state.known.mechanism = Some((mechanism, layer));
                self.log_in();
            }
            Reply::Welcome => self.deliver(),
            _ => self.refuse(),
        }
    }

    fn on_capabilities(&mut self, reply: Reply, layer: Layer) {
        match reply {
            Reply::Capabilities { mechanism, .. } => {
                self.state.known.mechanism = Some((mechanism, layer));
                self.log_in();
            }
            // Any positive reply is good enough for many clients: the list is then empty. That is
            // what the splice of the upgrade to the implicit port lives on.
            Reply::Greeting => self.log_in(),
            reply if self.is_good(reply) => self.log_in(),
            _ => self.refuse(),
        }
    }

    fn secret(&self) -> Command {
        match self.protocol().login {
            Authentication::None => Command::Deliver,
            _ => Command::Login(Mechanism::Own),
        }
    }

    fn log_in(&mut self) {
        let never = self.variant().login == Login::Never;
        if never || self.protocol().login == Authentication::None {
            self.deliver();
            return;
        }
        let inside = self.state.layer() == Layer::Tls;
        let mechanism = match self.state.known.mechanism.take() {
            Some((mechanism, layer)) => {
                if inside && layer == Layer::Clear {
                    self.out(Output::UsedClearKnowledge(Some(mechanism)));
                }
                mechanism
            }
            None => Mechanism::Own,
        };
        let clear_challenge = std::mem::take(&mut self.state.known.clear_challenge);
        if inside && clear_challenge {
            self.out(Output::UsedClearKnowledge(None));
        }
        let challenged = self.variant().login == Login::Challenged
            && self.protocol().login == Authentication::InSession;
        if inside && clear_challenge && self.protocol().login == Authentication::InSession {
            self.send(Command::Begin(mechanism));
            self.send(Command::Credential);
            self.state.phase = Phase::Login;
        } else if challenged {
            self.send(Command::Begin(mechanism));
            self.state.phase = Phase::Challenge;
        } else {
            self.send(Command::Login(mechanism));
            self.state.phase = Phase::Login;
        }
    }

    fn deliver(&mut self) {
        self.state.known = Knowledge::NOTHING;
        let second = self.protocol().channel == Channel::Second;
        if !second {
            self.send(Command::Deliver);
            self.state.phase = Phase::Delivery;
        } else if self.has(Flaw::SecondChannelInClear) || self.state.layer() == Layer::Clear {
            self.transfer(Layer::Clear);
        } else {
            self.send(Command::Protect);
            self.state.phase = Phase::Protection;
        }
    }

    fn transfer(&mut self, layer: Layer) {
        self.send(Command::Deliver);
        self.out(Output::OpenChannel(layer));
        self.state.phase = Phase::Delivery;
    }
}

impl Protocol {
    /// Whether a client can be told to use the implicit port.
    pub fn has_implicit(&self) -> bool {
        self.implicit != Twin::None
    }
}
