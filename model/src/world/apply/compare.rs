//! Compares the client with a clean one: whether plaintext makes a difference inside TLS.

use std::borrow::Cow;

use super::Run;
use crate::client::{Client, End, Input, Output, Outputs, Peer, visible};
use crate::machine::StateId;
use crate::message::Command;
use crate::property::Property;
use crate::protocol::Memory;
use crate::world::{Mutation, Shadow, Wire};

/// The step of a clean client on an input: its next state and outputs.
pub(super) struct Clean<'w> {
    next: StateId,
    outputs: Cow<'w, Outputs>,
}

impl<'w, C: Client> Run<'w, C> {
    /// The step of a clean client on an input inside TLS with the true server; `None` if there is no
    /// clean client to compare with.
    pub(super) fn shadow_step(&self, input: &Input) -> Option<Clean<'w>> {
        let (next, outputs) = match (input, self.state.ghost.shadow) {
            (Input::Handshake(Peer::Genuine), _) => {
                let (next, outputs) = self.world.honest_step(self.state.context(), input)?;
                (next, Cow::Owned(outputs))
            }
            (_, Shadow::At(clean)) => self.world.client_step(clean, input),
            (_, Shadow::None | Shadow::Stalled) => return None,
        };
        Some(Clean { next, outputs })
    }

    /// Compares the client's step with that of a clean one.
    pub(super) fn compare(
        &mut self,
        input: &Input,
        clean: Option<Clean<'_>>,
        next: StateId,
        outputs: &Outputs,
    ) {
        let begins = *input == Input::Handshake(Peer::Genuine);
        let Some(clean) = clean else {
            let acts = || !acts(outputs).is_empty() && !self.excused(outputs);
            // No clean phase leads here, or the client had stopped and now goes on by itself.
            if (begins || self.state.ghost.shadow == Shadow::Stalled) && acts() {
                self.state.ghost.unclean |= begins && !self.world.has(Mutation::UncleanNeverSet);
                self.parts();
            } else if begins {
                self.state.ghost.shadow = Shadow::Stalled;
            }
            return;
        };
        if begins {
            self.state.ghost.unclean = false;
            self.state.ghost.shadow = Shadow::None;
            if next != clean.next || acts(outputs) != acts(&clean.outputs) {
                let context = self.state.context();
                self.state.ghost.unclean = !self.world.is_clean(context, next, outputs);
            }
        }
        let (does, expected) = (acts(outputs), acts(&clean.outputs));
        if does == expected {
            let same = next == clean.next || self.state.wire != Wire::Secure;
            let same = same || self.world.has(Mutation::ShadowDropped);
            self.state.ghost.shadow = if same { Shadow::None } else { Shadow::At(clean.next) };
        } else if self.excused(&beyond(&does, &expected)) {
            // An attacker can always make a session fail. If the connection stays open, the client's
            // further steps on it are not compared.
            self.state.ghost.shadow = Shadow::Stalled;
        } else if does.is_empty() {
            let forgets = self.world.has(Mutation::StalledForgotten);
            self.state.ghost.shadow = if forgets { Shadow::None } else { Shadow::Stalled };
        } else {
            self.parts();
        }
    }

    /// Whether the only difference is that the client gives up.
    fn excused(&self, outputs: &Outputs) -> bool {
        self.world.has(Mutation::AnythingGivesUp)
            || gives_up(outputs) && !self.world.has(Mutation::GivingUpIsActing)
    }

    /// The client differs inside TLS from a clean one.
    fn parts(&mut self) {
        self.state.ghost.shadow = Shadow::None;
        if self.world.has(Mutation::PartingUnjudged) {
            return;
        }
        if self.state.ghost.unclean {
            self.state.break_property(Property::NoClearBytesUsedInsideTls);
        }
        match self.world.protocol.memory {
            Memory::Forgotten => self.state.break_property(Property::ClearKnowledgeForgotten),
            Memory::Survives => self.state.ghost.lured = !self.world.has(Mutation::LureForgotten),
        }
    }
}

/// The compared outputs: messages to the server, and the ends of sessions. What a user is shown is a
/// property of its own.
pub(crate) fn acts(outputs: &Outputs) -> Outputs {
    let mut acts = visible(outputs);
    acts.retain(|output| !matches!(output, Output::Shows | Output::HandsOver | Output::Tell));
    acts
}

/// The client's outputs after those that a clean one has as well.
fn beyond(does: &Outputs, expected: &Outputs) -> Outputs {
    let same = does.iter().zip(expected).take_while(|(does, expected)| does == expected).count();
    does.iter().skip(same).copied().collect()
}

/// Whether the client ends its session, and sends at most a goodbye on the connection before that.
pub(crate) fn gives_up(outputs: &Outputs) -> bool {
    let (mut refused, mut closed) = (false, false);
    for output in acts(outputs) {
        match output {
            Output::Send(Command::Goodbye) => {}
            Output::Close => closed = true,
            Output::End(End::Refused) => refused = true,
            // Later outputs happen on another connection.
            Output::Connect(_) => return refused,
            _ => return refused && closed,
        }
    }
    refused
}
