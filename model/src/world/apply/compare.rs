//! The client beside a clean one: whether what came in clear makes a difference inside TLS.

use super::Run;
use crate::client::{Client, End, Input, Output, Outputs, Peer, visible};
use crate::machine::StateId;
use crate::message::Command;
use crate::property::Property;
use crate::protocol::Memory;
use crate::world::{Shadow, Wire};

/// What a clean client does on an input, and where it then is.
pub(super) struct Clean {
    next: StateId,
    outputs: Outputs,
}

impl<C: Client> Run<'_, C> {
    /// What a clean client does on an input inside TLS with the true server; `None` where there is none
    /// to compare with.
    pub(super) fn shadow_step(&self, input: &Input) -> Option<Clean> {
        let (next, outputs) = match (input, self.state.ghost.shadow) {
            (Input::Handshake(Peer::Genuine), _) => {
                self.world.honest_step(self.state.context(), input)?
            }
            (_, Shadow::At(clean)) => self.world.client_step(clean, input),
            (_, Shadow::None | Shadow::Stalled) => return None,
        };
        Some(Clean { next, outputs })
    }

    /// Compares what the client did with what a clean one does.
    pub(super) fn compare(
        &mut self,
        input: &Input,
        clean: Option<Clean>,
        next: StateId,
        outputs: &Outputs,
    ) {
        let begins = *input == Input::Handshake(Peer::Genuine);
        let Some(clean) = clean else {
            let acts = !acts(outputs).is_empty() && !gives_up(outputs);
            // No clean phase leads here at all, or the client was left behind and goes on by itself.
            if (begins || self.state.ghost.shadow == Shadow::Stalled) && acts {
                self.state.ghost.unclean |= begins;
                self.parts();
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
            self.state.ghost.shadow = if same { Shadow::None } else { Shadow::At(clean.next) };
        } else if gives_up(outputs) {
            // An attacker can always make a session fail.
            self.state.ghost.shadow = Shadow::None;
        } else if does.is_empty() {
            self.state.ghost.shadow = Shadow::Stalled;
        } else {
            self.parts();
        }
    }

    /// The client does inside TLS what a clean one would not.
    fn parts(&mut self) {
        self.state.ghost.shadow = Shadow::None;
        if self.state.ghost.unclean {
            self.state.break_property(Property::NoClearBytesUsedInsideTls);
        }
        match self.world.protocol.memory {
            Memory::Forgotten => self.state.break_property(Property::ClearKnowledgeForgotten),
            Memory::Survives => self.state.ghost.lured = true,
        }
    }
}

/// What counts in a comparison: what goes to the server, and how sessions end. What a user is shown is a
/// property of its own.
pub(crate) fn acts(outputs: &Outputs) -> Outputs {
    let mut acts = visible(outputs);
    acts.retain(|output| !matches!(output, Output::Shows | Output::HandsOver | Output::Tell));
    acts
}

/// Whether the client ends its session without having said anything more than a goodbye.
pub(crate) fn gives_up(outputs: &Outputs) -> bool {
    for output in acts(outputs) {
        match output {
            Output::Send(Command::Goodbye) | Output::Close => {}
            Output::End(End::Refused) => return true,
            _ => return false,
        }
    }
    false
}
