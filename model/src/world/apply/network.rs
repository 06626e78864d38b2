//! Messages in transit, and the true server.

use super::Run;
use crate::client::Client;
use crate::machine::{ClassId, StateId};
use crate::message::{Command, Piece, Reply, Segment};
use crate::property::Property;
use crate::server::{self, Port};
use crate::world::{Action, Answers, Attacker, Mutation, Pricing, Spoken, Wire};

impl<C: Client> Run<'_, C> {
    /// If messages arrive as they were sent, no other action is possible.
    pub(super) fn is_genuine(&self, action: &Action) -> bool {
        if !self.in_order() {
            return true;
        }
        match action {
            Action::ToClient(_) if self.waits_for_data() => false,
            Action::ToClient(segment) => {
                let said = self.state.to_client.iter().map(|spoken| spoken.reply);
                starts_with(said, segment)
            }
            Action::ToServer(segment) => starts_with(self.state.to_server.iter().copied(), segment),
            _ => true,
        }
    }

    /// Updates the queues before a segment reaches the client.
    pub(super) fn before_segment(&mut self, segment: &Segment<Reply>) {
        match self.state.wire {
            Wire::Secure => self.take_genuine(segment.pieces().len()),
            Wire::Clear | Wire::Handshake => {
                if self.in_order() {
                    self.take_genuine(segment.pieces().len());
                } else {
                    // Messages that are not delivered now are dropped.
                    self.state.to_client.clear();
                }
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

    /// Takes the next replies of the true server off their queue.
    fn take_genuine(&mut self, count: usize) {
        for spoken in self.state.to_client.drain(..count) {
            if spoken.answers != Answers::Nothing {
                self.state.ghost.outstanding = self.state.ghost.outstanding.saturating_sub(1);
            }
            self.state.ghost.confirmed |=
                spoken.answers == Answers::Delivery && spoken.reply == Reply::Done;
        }
    }

    /// A segment reaches the server: the client's next messages, or the attacker's.
    pub(super) fn server_hears(&mut self, segment: &Segment<Command>, class: Option<ClassId>) {
        let from_client = self.in_order();
        if from_client {
            self.state.to_server.drain(..segment.pieces().len());
        } else {
            self.state.to_server.clear();
        }
        let known = class.and_then(|class| self.world.server_class(self.state.server, class));
        let (next, outputs) = known.unwrap_or_else(|| {
            self.world.server_step(&self.state, &server::Input::Segment(segment.clone()))
        });
        let served = segment.pieces().first().map(|piece| piece.message());
        self.server_did(next, &outputs, served.filter(|_| from_client));
    }

    pub(super) fn dial(&mut self, port: Port) {
        self.state.to_client.clear();
        self.state.to_server.clear();
        let (state, outputs) = self.world.server.start(port);
        let id = self.world.servers.id(&state).unwrap_or_default();
        if self.world.offering.has(port) {
            self.server_did(id, &outputs, None);
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

    /// Processes the server's outputs; `served` is the client's command that caused them.
    pub(super) fn server_did(
        &mut self,
        next: StateId,
        outputs: &server::Outputs,
        served: Option<Command>,
    ) {
        self.state.server = next;
        let delivery = served == Some(Command::Deliver);
        if let Some(did) = &mut self.did {
            did.server.extend(outputs);
        }
        for &output in outputs {
            match output {
                server::Output::Say { reply, answers } => {
                    let answers = match (answers, delivery) {
                        (false, _) => Answers::Nothing,
                        (true, false) => Answers::Command,
                        (true, true) => Answers::Delivery,
                    };
                    let kept = self.state.wire == Wire::Secure || self.keeps_genuine();
                    if kept {
                        let _ = self.state.to_client.try_push(Spoken { reply, answers });
                    }
                }
                server::Output::Executed => {
                    if delivery && self.state.wire == Wire::Secure {
                        let ghost = &mut self.state.ghost;
                        ghost.executed = (ghost.executed + 1).min(2);
                        ghost.elsewhere |= self.world.servers.state(next).elsewhere;
                    }
                }
                server::Output::AwaitTls | server::Output::Close => {}
                server::Output::RanClearCommand => {
                    self.breaks_unless(
                        Mutation::ServerCommandUnseen,
                        Property::NoClearCommandUsedInsideTls,
                    );
                }
                server::Output::TookClearLogin => {
                    self.breaks_unless(Mutation::ClearLoginUnseen, Property::NoLoginInClear);
                }
                server::Output::KeptClearLogin => {
                    self.breaks_unless(Mutation::KeptLoginUnseen, Property::ClearStateForgotten);
                }
                server::Output::OfferedUpgradeInside => {
                    self.breaks_unless(Mutation::OfferInsideUnseen, Property::NoUpgradeInsideTls);
                }
            }
        }
    }

    /// Whether the next reply waits for the data: a server with a second channel confirms a delivery
    /// after it has received the data there.
    pub(super) fn waits_for_data(&self) -> bool {
        self.world.waits_for_data(&self.state)
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
