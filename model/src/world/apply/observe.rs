//! Judges the client's outputs by the properties.
//!
//! Every property is judged by acts: the messages with their layer and receiver, the commands that the
//! server executed, the ends of sessions. The client's own marks are ignored.

use super::Run;
use crate::client::{Client, End, Input, Output, Outputs, Peer, Target};
use crate::message::{Command, Layer, Reply, Segment};
use crate::property::Property;
use crate::server::Port;
use crate::world::reference::CONNECTIONS;
use crate::world::{Channel, Mutation, Shadow, Wire};

impl<C: Client> Run<'_, C> {
    pub(super) fn client_did(&mut self, outputs: &Outputs) {
        let mut connected = false;
        if let Some(did) = &mut self.did {
            did.client.extend(outputs);
        }
        for &output in outputs {
            connected |= matches!(output, Output::Connect(_));
            self.observe(output);
        }
        if connected {
            self.happens(Input::Connected);
        }
    }

    /// Breaks a property, except in a mutant that does not see it.
    pub(super) fn breaks_unless(&mut self, mutation: Mutation, property: Property) {
        if !self.world.has(mutation) {
            self.state.break_property(property);
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
                self.state.ghost.logged_in = false;
            }
            Output::Close => {
                self.hang_up_on_server();
                self.state.wire = Wire::Down;
                self.state.channel = Channel::None;
            }
            Output::OpenChannel(layer) => {
                self.state.channel = match layer {
                    Layer::Clear => Channel::Clear,
                    Layer::Tls => Channel::Handshake,
                };
            }
            Output::MoveData => self.move_data(),
            Output::Shows => {
                self.hears(Reply::Notice, Property::NoClearTextShownAsTrusted);
            }
            Output::HandsOver => self.hears(Reply::Data, Property::NoClearDataHandedOver),
            Output::Tell => self.state.ghost.told = true,
            Output::End(end) => {
                self.ended = true;
                self.end(end);
            }
            Output::Took(_)
            | Output::UsedClearKnowledge(_)
            | Output::Skipped
            | Output::UsedNameFromWire
            | Output::TookTruncation => {}
        }
    }

    fn connect(&mut self, target: Target) {
        let port = match target {
            Target::Implicit => Port::Implicit,
            Target::Upgrade | Target::Redirected => Port::Upgrade,
        };
        if self.state.ghost.fresh {
            self.state.ghost.fresh = false;
        } else {
            let further = !self.world.has(Mutation::RetryUnseen);
            let connection = self.state.ghost.connection + u8::from(further);
            self.state.ghost.connection = connection.min(CONNECTIONS - 1);
        }
        if target == Target::Redirected {
            self.breaks_unless(Mutation::RedirectUnseen, Property::NoClearRedirect);
        }
        self.state.wire = Wire::Clear;
        self.state.channel = Channel::None;
        let ghost = &mut self.state.ghost;
        ghost.implicit = port == Port::Implicit;
        ghost.requested = false;
        ghost.taken = false;
        ghost.outstanding = 0;
        ghost.executed = 0;
        ghost.confirmed = false;
        ghost.elsewhere = false;
        ghost.moved = false;
        ghost.logged_in = false;
        ghost.shadow = Shadow::None;
        ghost.unclean = false;
        ghost.lured = false;
        self.dial(port);
    }

    fn send(&mut self, command: Command) {
        let needs_tls = self.needs_tls();
        if needs_tls
            && command == Command::Deliver
            && !self.state.ghost.logged_in
            && self.state.wire != Wire::Down
            && self.world.logs_in()
        {
            self.breaks_unless(Mutation::JumpUnseen, Property::NoJump);
        }
        if matches!(command, Command::Login(_) | Command::Credential) {
            self.state.ghost.logged_in = !self.world.has(Mutation::LoginUncounted);
        }
        match self.state.wire {
            Wire::Handshake if self.world.has(Mutation::SecretsInHandshakeUnseen) => {}
            Wire::Clear | Wire::Handshake => self.send_in_clear(command, needs_tls),
            Wire::Secure => {
                let free = command == Command::Goodbye
                    && !self.world.has(Mutation::GoodbyeNeedsAnswer)
                    || self.world.has(Mutation::AgreementUncounted);
                if self.state.ghost.outstanding > 0 && !free {
                    self.state.break_property(Property::Agreement);
                }
                self.state.ghost.outstanding = (self.state.ghost.outstanding + 1).min(3);
                let _ = self.state.to_server.try_push(command);
            }
            Wire::False(peer) => {
                if needs_tls {
                    self.send_to_false_peer(command.is_secret(), peer);
                }
                let another = matches!(peer, Peer::WrongName | Peer::OtherHost);
                if needs_tls && another && command != Command::Goodbye {
                    self.breaks_unless(Mutation::AnotherNameUnseen, Property::NameFromUser);
                }
            }
            Wire::Down => {}
        }
    }

    fn send_in_clear(&mut self, command: Command, needs_tls: bool) {
        if command.is_secret() && (needs_tls || !self.world.needs_tls()) {
            self.state.break_property(Property::NoSecretInClear);
            self.state.ghost.gave_away = !self.world.has(Mutation::ClearSecretGivesNothingAway);
        }
        if !command.is_allowed_in_clear() && needs_tls {
            self.breaks_unless(Mutation::PolicyFromWireUnseen, Property::PolicyNotFromWire);
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
        self.state.ghost.requested |=
            command == Command::Upgrade && !self.world.has(Mutation::RequestForgotten);
        if self.keeps_genuine() {
            let _ = self.state.to_server.try_push(command);
        }
    }

    fn send_to_false_peer(&mut self, is_secret: bool, peer: Peer) {
        if is_secret {
            self.state.break_property(Property::NoSecretToUnauthenticatedPeer);
            self.state.ghost.gave_away |= !self.world.has(Mutation::FalsePeerGivesNothingAway);
            if matches!(peer, Peer::WrongName | Peer::OtherHost) {
                self.breaks_unless(Mutation::AnotherNameUnseen, Property::NameFromUser);
            }
        }
    }

    /// The data are sent over the second channel.
    fn move_data(&mut self) {
        let needs_tls = self.needs_tls();
        match self.state.channel {
            Channel::Handshake if self.world.has(Mutation::ChannelHandshakeIsTls) => {
                self.state.ghost.moved = true;
            }
            Channel::Clear | Channel::Handshake => {
                if needs_tls {
                    self.breaks_unless(
                        Mutation::ClearChannelUnseen,
                        Property::NoClearSecondChannel,
                    );
                    self.state.ghost.gave_away = true;
                }
                self.state.ghost.moved = true;
            }
            Channel::Secure => self.state.ghost.moved = true,
            Channel::False(peer) => {
                if needs_tls {
                    self.send_to_false_peer(true, peer);
                }
            }
            Channel::None => {}
        }
    }

    /// The client passes a message on, to its user or to the application. It may pass on messages of
    /// the true server inside TLS; any other message was received in clear, or from the attacker.
    fn hears(&mut self, reply: Reply, property: Property) {
        let given = Input::Segment(Segment::one(reply));
        if self.state.wire != Wire::Secure || self.input != Some(given) {
            self.breaks_unless(Mutation::ShownUnjudged, property);
        }
    }

    fn end(&mut self, end: End) {
        let needs_tls = self.needs_tls();
        let can_deliver = self.world.can_deliver(self.world.policy(&self.state));
        let ghost = &self.state.ghost;
        let secure = self.state.wire == Wire::Secure;
        // The data are being sent again.
        let again = self.state.to_server.contains(&Command::Deliver);
        let excused = self.world.has(Mutation::ReportIsDelivery)
            || self.world.has(Mutation::DeadlineIsSuccess) && self.input == Some(Input::Deadline);
        let truly = excused || secure && ghost.executed == 1 && ghost.confirmed && !again;
        let (lured, elsewhere, confirmed) = (ghost.lured, ghost.elsewhere, ghost.confirmed);
        match end {
            End::Delivered => {
                if needs_tls && !truly {
                    self.state.break_property(Property::OnlyDenialOfService);
                }
                if lured && secure {
                    self.state.break_property(Property::SurvivorsOnlyCauseRefusal);
                }
                if elsewhere && needs_tls {
                    self.breaks_unless(Mutation::ElsewhereUnseen, Property::DeliversToNamedHost);
                }
                let cut = matches!(self.input, Some(Input::Closed(_)));
                if cut && !confirmed {
                    self.breaks_unless(
                        Mutation::TruncationUnseen,
                        Property::TruncationIsNotSuccess,
                    );
                }
                if can_deliver && !truly {
                    self.breaks_unless(Mutation::HonestDeliversUnbroken, Property::HonestDelivers);
                }
            }
            End::Refused => {
                self.state.ghost.refused = true;
                if !self.state.ghost.told {
                    self.breaks_unless(Mutation::SilenceUnjudged, Property::UserTold);
                }
                if can_deliver {
                    self.breaks_unless(Mutation::HonestDeliversUnbroken, Property::HonestDelivers);
                }
            }
        }
        if needs_tls && self.state.ghost.gave_away {
            self.state.break_property(Property::OnlyDenialOfService);
        }
        let sessions = self.world.sessions.len();
        let ghost = &mut self.state.ghost;
        ghost.session += 1;
        ghost.connection = 0;
        ghost.fresh = true;
        ghost.told &= self.world.has(Mutation::ToldKept);
        ghost.gave_away = false;
        ghost.executed = 0;
        ghost.confirmed = false;
        ghost.elsewhere = false;
        ghost.moved = false;
        ghost.lured = false;
        if usize::from(ghost.session) >= sessions {
            if self.world.endless && !self.world.has(Mutation::EndlessEnds) {
                ghost.session = 0;
            } else {
                ghost.ended = true;
            }
        }
    }
}
