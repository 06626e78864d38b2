//! Clear text on its way, the true server, and what the attacker had a chance to try.

use super::Run;
use crate::client::Client;
use crate::machine::StateId;
use crate::message::{Piece, Reply, Segment};
use crate::property::Property;
use crate::protocol::{Authentication, Memory, Offer};
use crate::server::{self, Port};
use crate::world::{Action, Attacker, Pricing, Spoken, Wire};

impl<C: Client> Run<'_, C> {
    /// Where messages arrive as they were sent, nothing else can.
    pub(super) fn is_genuine(&self, action: &Action) -> bool {
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
    pub(super) fn before_segment(&mut self, segment: &Segment<Reply>) {
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
    pub(super) fn in_order(&self) -> bool {
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
        if segment.pieces().iter().any(|piece| piece.message() == Reply::Data) {
            self.tried.insert(Property::NoClearDataHandedOver);
        }
        if self.world.attacker == Attacker::Active {
            self.tried.extend(self.world.lures);
        }
        let lists = |piece: &Piece<Reply>| matches!(piece.message(), Reply::Capabilities { .. });
        self.state.ghost.listed |=
            self.world.protocol.offer != Offer::Unsaid && segment.pieces().iter().any(lists);
    }

    /// TLS with the true server has begun: what was said in clear before it could play a part.
    pub(super) fn secured(&mut self) {
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
    pub(super) fn tempt(&mut self) {
        for property in
            [Property::NoSecretInClear, Property::PolicyNotFromWire, Property::OnlyDenialOfService]
        {
            self.tried.insert(property);
        }
    }

    pub(super) fn dial(&mut self, port: Port) {
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

    pub(super) fn hang_up_on_server(&mut self) {
        self.state.to_client.clear();
        self.state.to_server.clear();
        let (next, _) = self.world.server_step(&self.state, &server::Input::Closed);
        self.state.server = next;
    }

    pub(super) fn keeps_genuine(&self) -> bool {
        self.world.attacker == Attacker::Passive || self.world.pricing == Pricing::Counted
    }

    pub(super) fn server_did(&mut self, next: StateId, outputs: &server::Outputs) {
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
