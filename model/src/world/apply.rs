//! What an action leads to.

use crate::client::{Client, End, Input, Output, Outputs, Peer, Target};
use crate::machine::{Link, StateId};
use crate::message::{Command, Layer, Mechanism, Piece, Reply, Segment};
use crate::property::{Properties, Property};
use crate::protocol::{Authentication, Memory, Offer};
use crate::server::{self, Port};
use crate::world::{Action, Attacker, Ghost, Pricing, Spoken, State, Wire, World};

/// A state that follows, and what the way to it showed.
#[derive(Clone, Debug)]
pub struct Transition {
    /// The state that follows.
    pub state: State,
    /// The properties whose antecedent was met on the way.
    pub tried: Properties,
    /// What the client did, in order.
    pub client: Vec<Output>,
    /// What the server did, in order.
    pub server: Vec<server::Output>,
}

impl<C: Client> World<C> {
    /// The only state that a walk starts from: the client has connected.
    pub fn initial(&self) -> Transition {
        let start = self.client.start();
        let mut run = Run::new(
            self,
            State {
                client: self.client_id((start.state.clone(), Link::Down)),
                server: 0,
                wire: Wire::Down,
                to_client: arrayvec::ArrayVec::new(),
                to_server: arrayvec::ArrayVec::new(),
                ghost: Ghost {
                    broken: Properties::NONE,
                    session: 0,
                    connection: 0,
                    implicit: false,
                    requested: false,
                    taken: false,
                    outstanding: 0,
                    gave_away: false,
                    told: false,
                    lured: false,
                    refused: false,
                    ended: false,
                    fresh: true,
                    listed: false,
                },
            },
        );
        run.client_did(&start.outputs);
        run.finish()
    }

    /// The state that follows an action; `None` where it is not possible.
    pub fn next(&self, state: &State, action: &Action) -> Option<Transition> {
        if self.is_terminal(state) {
            return None;
        }
        let mut run = Run::new(self, state.clone());
        run.perform(action)?;
        Some(run.finish())
    }
}

/// One transition under way.
struct Run<'w, C: Client> {
    world: &'w World<C>,
    state: State,
    tried: Properties,
    client: Vec<Output>,
    server: Vec<server::Output>,
}

impl<'w, C: Client> Run<'w, C> {
    fn new(world: &'w World<C>, state: State) -> Self {
        Self { world, state, tried: Properties::NONE, client: Vec::new(), server: Vec::new() }
    }

    fn finish(self) -> Transition {
        Transition {
            state: self.state,
            tried: self.tried,
            client: self.client,
            server: self.server,
        }
    }

    fn perform(&mut self, action: &Action) -> Option<()> {
        if !self.is_genuine(action) {
            return None;
        }
        match action {
            Action::ToClient(segment) => {
                self.before_segment(segment);
                self.happens(&Input::Segment(segment.clone()));
            }
            Action::ToServer(segment) => {
                if self.state.wire == Wire::Secure {
                    self.tried.insert(Property::NoUpgradeInsideTls);
                }
                if self.in_order() {
                    self.state.to_server.drain(..segment.pieces().len());
                } else {
                    self.state.to_server.clear();
                }
                let input = server::Input::Segment(segment.clone());
                let (next, outputs) = self.world.server_step(&self.state, &input);
                self.server_did(next, &outputs);
            }
            Action::Handshake(Peer::Genuine) => {
                if self.world.servers.state(self.state.server).phase != server::Phase::AwaitsTls {
                    return None;
                }
                self.state.wire = Wire::Secure;
                self.secured();
                self.state.to_client.clear();
                self.state.to_server.clear();
                self.state.ghost.outstanding = 0;
                let (next, outputs) =
                    self.world.server_step(&self.state, &server::Input::TlsStarted);
                self.server_did(next, &outputs);
                self.happens(&Input::Handshake(Peer::Genuine));
            }
            Action::Handshake(peer) => {
                self.tried.insert(Property::NoSecretToUnauthenticatedPeer);
                if *peer == Peer::WrongName {
                    self.tried.insert(Property::NameFromUser);
                }
                self.hang_up_on_server();
                self.state.wire = Wire::False(*peer);
                self.happens(&Input::Handshake(*peer));
            }
            Action::FailHandshake => {
                self.tempt();
                self.state.wire = Wire::Clear;
                self.happens(&Input::HandshakeFailed);
            }
            Action::EndTls => {
                self.tried.insert(Property::TlsNotTakenAway);
                self.hang_up_on_server();
                self.state.wire = Wire::Clear;
                self.state.ghost.taken = true;
                self.happens(&Input::TlsEnded);
            }
            Action::Close(close) => {
                if self.state.wire == Wire::Secure {
                    self.tried.insert(Property::TruncationIsNotSuccess);
                }
                self.hang_up_on_server();
                self.state.wire = Wire::Down;
                self.tempt();
                self.happens(&Input::Closed(*close));
            }
            Action::Deadline => {
                let sessions = self.state.ghost.session;
                self.tried.insert(Property::AlwaysEnds);
                self.happens(&Input::Deadline);
                if !self.state.ghost.ended && self.state.ghost.session == sessions {
                    self.state.break_property(Property::AlwaysEnds);
                }
            }
            Action::Redial(port) => {
                self.dial(*port);
            }
        }
        Some(())
    }

    /// Where messages arrive as they were sent, nothing else can.
    fn is_genuine(&self, action: &Action) -> bool {
        if !self.in_order() {
            return true;
        }
        match action {
            Action::ToClient(segment) => {
                let said = self.state.to_client.iter().map(|spoken| spoken.reply);
                starts_with(said, segment)
            }
            Action::ToServer(segment) => starts_with(self.state.to_server.iter().copied(), segment),
            _ => true,
        }
    }

    /// Bookkeeping before a segment reaches the client.
    fn before_segment(&mut self, segment: &Segment<Reply>) {
        match self.state.wire {
            Wire::Secure => {
                for spoken in self.state.to_client.drain(..segment.pieces().len()) {
                    if spoken.answers {
                        self.state.ghost.outstanding =
                            self.state.ghost.outstanding.saturating_sub(1);
                    }
                }
            }
            Wire::Clear | Wire::Handshake => {
                self.hear_clear_text(segment);
                if self.state.wire == Wire::Handshake {
                    // Clear text in place of TLS: the handshake is over.
                    self.state.wire = Wire::Clear;
                }
            }
            Wire::Down | Wire::False(_) => {}
        }
    }

    /// Whether messages arrive as they were sent.
    fn in_order(&self) -> bool {
        self.state.wire == Wire::Secure || self.world.attacker == Attacker::Passive
    }

    fn hear_clear_text(&mut self, segment: &Segment<Reply>) {
        if self.in_order() {
            self.state.to_client.drain(..segment.pieces().len());
        } else {
            // What is not delivered now is swallowed.
            self.state.to_client.clear();
        }
        self.tempt();
        self.tried.insert(Property::NoClearTextShownAsTrusted);
        if self.world.attacker == Attacker::Active {
            self.tried.extend(self.world.lures);
        }
        let lists = |piece: &Piece<Reply>| matches!(piece.message(), Reply::Capabilities { .. });
        self.state.ghost.listed |=
            self.world.protocol.offer != Offer::Unsaid && segment.pieces().iter().any(lists);
    }

    /// TLS with the true server has begun: what was said in clear before it could play a part.
    fn secured(&mut self) {
        if self.state.ghost.listed {
            self.tried.insert(match self.world.protocol.memory {
                Memory::Forgotten => Property::ClearKnowledgeForgotten,
                Memory::Survives => Property::SurvivorsOnlyCauseRefusal,
            });
        }
        if self.world.attacker == Attacker::Active && !self.state.ghost.implicit {
            self.tried.insert(Property::NoClearCommandUsedInsideTls);
            if self.world.protocol.login != Authentication::None {
                self.tried.insert(Property::ClearStateForgotten);
            }
        }
    }

    /// The client has a reason to go on outside TLS.
    fn tempt(&mut self) {
        for property in
            [Property::NoSecretInClear, Property::PolicyNotFromWire, Property::OnlyDenialOfService]
        {
            self.tried.insert(property);
        }
    }

    fn happens(&mut self, input: &Input) {
        let (next, outputs) = self.world.client_step(&self.state, input);
        self.state.client = next;
        self.state.ghost.requested = false;
        self.client_did(&outputs);
    }

    fn client_did(&mut self, outputs: &Outputs) {
        let mut connected = false;
        for &output in outputs {
            self.client.push(output);
            connected |= matches!(output, Output::Connect(_));
            self.observe(output);
        }
        if connected {
            self.happens(&Input::Connected);
        }
    }

    fn needs_tls(&self) -> bool {
        self.world.policy(&self.state).needs_tls()
    }

    fn observe(&mut self, output: Output) {
        match output {
            Output::Connect(target) => self.connect(target),
            Output::Send(command) => self.send(command),
            Output::StartTls => {
                self.state.wire = Wire::Handshake;
                self.state.ghost.requested = false;
                self.tried.insert(Property::NothingBetweenRequestAndHandshake);
            }
            Output::Close => {
                self.hang_up_on_server();
                self.state.wire = Wire::Down;
            }
            Output::OpenChannel(layer) => {
                self.tried.insert(Property::NoClearSecondChannel);
                if layer == Layer::Clear && self.needs_tls() {
                    self.state.break_property(Property::NoClearSecondChannel);
                    self.state.ghost.gave_away = true;
                }
            }
            Output::Took(layer) => {
                if layer == Layer::Clear && self.in_tls() {
                    self.state.break_property(Property::NoClearBytesUsedInsideTls);
                }
            }
            Output::UsedClearKnowledge(mechanism) => match self.world.protocol.memory {
                Memory::Forgotten => self.state.break_property(Property::ClearKnowledgeForgotten),
                Memory::Survives => {
                    self.state.ghost.lured |= mechanism == Some(Mechanism::Lure);
                }
            },
            Output::Skipped => {
                self.state.break_property(Property::NoJump);
            }
            Output::UsedNameFromWire => self.state.break_property(Property::NameFromUser),
            Output::TookTruncation => {
                self.state.break_property(Property::TruncationIsNotSuccess);
            }
            Output::ShowedClearText => {
                self.state.break_property(Property::NoClearTextShownAsTrusted);
            }
            Output::Tell => self.state.ghost.told = true,
            Output::End(end) => self.end(end),
        }
    }

    const fn in_tls(&self) -> bool {
        matches!(self.state.wire, Wire::Secure | Wire::False(_))
    }

    fn connect(&mut self, target: Target) {
        let port = match target {
            Target::Implicit => Port::Implicit,
            Target::Upgrade | Target::Redirected => Port::Upgrade,
        };
        if self.state.ghost.fresh {
            self.state.ghost.fresh = false;
        } else {
            self.state.ghost.connection = 1;
            self.tried.insert(Property::NoClearRetry);
        }
        if target == Target::Redirected {
            self.state.break_property(Property::NoClearRedirect);
        }
        self.state.wire = Wire::Clear;
        self.state.ghost.implicit = port == Port::Implicit;
        self.state.ghost.requested = false;
        self.state.ghost.taken = false;
        self.state.ghost.outstanding = 0;
        self.state.ghost.lured = false;
        self.state.ghost.listed = false;
        self.dial(port);
    }

    fn dial(&mut self, port: Port) {
        self.state.to_client.clear();
        self.state.to_server.clear();
        let (state, outputs) = self.world.server.start(port);
        let id = self.world.servers.id(&state).unwrap_or_default();
        if self.world.offering.has(port) {
            self.server_did(id, &outputs);
        } else {
            self.state.server = id;
            self.hang_up_on_server();
        }
    }

    fn hang_up_on_server(&mut self) {
        self.state.to_client.clear();
        self.state.to_server.clear();
        let (next, _) = self.world.server_step(&self.state, &server::Input::Closed);
        self.state.server = next;
    }

    fn send(&mut self, command: Command) {
        let needs_tls = self.needs_tls();
        match self.state.wire {
            Wire::Clear | Wire::Handshake => {
                if command.is_secret() && (needs_tls || !self.world.needs_tls()) {
                    self.state.break_property(Property::NoSecretInClear);
                    self.state.ghost.gave_away = true;
                }
                if !command.is_allowed_in_clear() && needs_tls {
                    self.state.break_property(Property::PolicyNotFromWire);
                    if self.state.ghost.connection > 0 {
                        self.state.break_property(Property::NoClearRetry);
                    }
                    if self.state.ghost.taken {
                        self.state.break_property(Property::TlsNotTakenAway);
                    }
                }
                let between = self.state.ghost.requested || self.state.wire == Wire::Handshake;
                if between && needs_tls && command != Command::Goodbye {
                    self.state.break_property(Property::NothingBetweenRequestAndHandshake);
                }
                self.state.ghost.requested |= command == Command::Upgrade;
                if self.keeps_genuine() {
                    let _ = self.state.to_server.try_push(command);
                }
            }
            Wire::Secure => {
                if self.state.ghost.outstanding > 0 && command != Command::Goodbye {
                    self.state.break_property(Property::Agreement);
                }
                self.tried.insert(Property::Agreement);
                self.state.ghost.outstanding = (self.state.ghost.outstanding + 1).min(3);
                let _ = self.state.to_server.try_push(command);
            }
            Wire::False(_) => {
                if command.is_secret() && needs_tls {
                    self.state.break_property(Property::NoSecretToUnauthenticatedPeer);
                    self.state.ghost.gave_away = true;
                }
            }
            Wire::Down => {}
        }
    }

    fn keeps_genuine(&self) -> bool {
        self.world.attacker == Attacker::Passive || self.world.pricing == Pricing::Counted
    }

    fn end(&mut self, end: End) {
        let needs_tls = self.needs_tls();
        let can_deliver = self.world.can_deliver(self.world.policy(&self.state));
        if can_deliver {
            self.tried.insert(Property::HonestDelivers);
        }
        let ghost = &mut self.state.ghost;
        match end {
            End::Delivered => {
                let truly = self.state.wire == Wire::Secure;
                let lured = ghost.lured;
                if needs_tls && !truly {
                    self.state.break_property(Property::OnlyDenialOfService);
                }
                if lured && truly {
                    self.state.break_property(Property::SurvivorsOnlyCauseRefusal);
                }
            }
            End::Refused => {
                ghost.refused = true;
                self.tried.insert(Property::UserTold);
                if !self.state.ghost.told {
                    self.state.break_property(Property::UserTold);
                }
                if can_deliver {
                    self.state.break_property(Property::HonestDelivers);
                }
            }
        }
        if needs_tls && self.state.ghost.gave_away {
            self.state.break_property(Property::OnlyDenialOfService);
        }
        let ghost = &mut self.state.ghost;
        ghost.session += 1;
        ghost.connection = 0;
        ghost.fresh = true;
        ghost.told = false;
        ghost.gave_away = false;
        ghost.lured = false;
        if usize::from(ghost.session) >= self.world.sessions.len() {
            ghost.ended = true;
        }
    }

    fn server_did(&mut self, next: StateId, outputs: &server::Outputs) {
        self.state.server = next;
        for &output in outputs {
            self.server.push(output);
            match output {
                server::Output::Say { reply, answers } => {
                    let kept = self.state.wire == Wire::Secure || self.keeps_genuine();
                    if kept {
                        let _ = self.state.to_client.try_push(Spoken { reply, answers });
                    }
                }
                server::Output::AwaitTls | server::Output::Close => {}
                server::Output::RanClearCommand => {
                    self.state.break_property(Property::NoClearCommandUsedInsideTls);
                }
                server::Output::TookClearLogin => {
                    self.state.break_property(Property::NoLoginInClear);
                }
                server::Output::KeptClearLogin => {
                    self.state.break_property(Property::ClearStateForgotten);
                }
                server::Output::OfferedUpgradeInside => {
                    self.state.break_property(Property::NoUpgradeInsideTls);
                }
            }
        }
    }
}

/// Whether a queue starts with exactly the messages of a segment.
fn starts_with<M: Copy + PartialEq>(
    mut queue: impl Iterator<Item = M>,
    segment: &Segment<M>,
) -> bool {
    segment.pieces().iter().all(|&piece| match piece {
        Piece::Whole(message) => queue.next() == Some(message),
        Piece::Line(_) | Piece::Block(_) => false,
    })
}
