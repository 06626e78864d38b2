//! What the client does, as the properties see it.

use super::Run;
use crate::client::{Client, End, Input, Output, Outputs, Target};
use crate::message::{Command, Layer, Mechanism};
use crate::property::Property;
use crate::protocol::Memory;
use crate::server::Port;
use crate::world::Wire;

impl<C: Client> Run<'_, C> {
    pub(super) fn client_did(&mut self, outputs: &Outputs) {
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
            Output::HandedOverClearData => {
                self.state.break_property(Property::NoClearDataHandedOver);
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
}
