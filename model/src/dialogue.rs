//! Witnesses and plays as dialogues, in the manner of the GnuTLS manual.
//!
//! `CLIENT:` and `SERVER:` say what the client sends and is given; brackets say what the attacker
//! does, and what it means.

use crate::client::{Client, Close, End, Output, Peer};
use crate::message::{Command, Piece, Reply};
use crate::play::Play;
use crate::property::Property;
use crate::protocol::Protocol;
use crate::walk::Witness;
use crate::world::{Action, State, Transition, Wire, World};

/// What stands for a reply in a dialogue, where it is not the protocol's usual text.
pub type Texts<'a> = &'a dyn Fn(Reply) -> Option<String>;

/// A witness as a dialogue.
pub fn witness<C: Client>(world: &World<C>, witness: &Witness) -> Vec<String> {
    let mut dialogue = Dialogue::new(world.protocol, &|_| None);
    dialogue.did(&world.initial());
    for step in &witness.steps {
        if let Some(transition) = world.next(&step.before, &step.action) {
            dialogue.step(&step.before, &step.action, &transition, None);
        }
    }
    dialogue.lines
}

/// A play as a dialogue.
pub fn play(protocol: &'static Protocol, play: &Play, texts: Texts<'_>) -> Vec<String> {
    let mut dialogue = Dialogue::new(protocol, texts);
    dialogue.did(&play.opening);
    for step in &play.steps {
        dialogue.step(&step.before, &step.action, &step.transition, Some(step.deviates));
    }
    dialogue.lines
}

struct Dialogue<'a> {
    protocol: &'static Protocol,
    texts: Texts<'a>,
    lines: Vec<String>,
    told: bool,
}

impl<'a> Dialogue<'a> {
    const fn new(protocol: &'static Protocol, texts: Texts<'a>) -> Self {
        Self { protocol, texts, lines: Vec::new(), told: false }
    }

    fn note(&mut self, text: &str) {
        self.lines.push(format!("({text})"));
    }

    fn step(
        &mut self,
        before: &State,
        action: &Action,
        transition: &Transition,
        deviates: Option<bool>,
    ) {
        match action {
            Action::ToClient(segment) => self.client_is_given(before, segment.pieces(), deviates),
            Action::ToServer(segment) => {
                let inside = before.wire() == Wire::Secure;
                let genuine: Vec<Command> = before.commands_under_way().collect();
                let said: Vec<Command> =
                    segment.pieces().iter().map(|piece| piece.message()).collect();
                if !inside && deviates.is_none() && !genuine.starts_with(&said) {
                    for command in said {
                        self.note("here the attacker says to the server");
                        self.said("CLIENT", self.protocol.said(command));
                    }
                }
            }
            Action::Handshake(Peer::Genuine) => self.lines.push("*** TLS STARTS".to_owned()),
            Action::Handshake(peer) => {
                self.note(&format!("here the attacker ends TLS with {}", certificate(*peer)));
                self.lines.push("*** TLS STARTS".to_owned());
            }
            Action::FailHandshake => self.note("here the attacker breaks the TLS handshake"),
            Action::EndTls => self.note("here TLS is ended, and the connection stays"),
            Action::Close(Close::Orderly) => self.note("here the connection is closed"),
            Action::Close(Close::Cut) => self.note("here the attacker cuts the connection"),
            Action::Redial(_) => {
                self.note("here the attacker leads the connection to the server's other port");
            }
            Action::Deadline => self.note("the deadline passes"),
        }
        self.did(transition);
        let mut fresh: Vec<Property> = transition
            .state
            .broken()
            .iter()
            .filter(|&property| !before.broken().has(property))
            .collect();
        // What follows from others need not be said.
        fresh.retain(|property| {
            !matches!(property, Property::OnlyDenialOfService | Property::PolicyNotFromWire)
        });
        for property in fresh {
            self.note(meaning(property));
        }
    }

    fn client_is_given(&mut self, before: &State, pieces: &[Piece<Reply>], deviates: Option<bool>) {
        let mut genuine: Vec<Reply> = before.replies_under_way().collect();
        let inside = matches!(before.wire(), Wire::Secure | Wire::False(_));
        for (index, &piece) in pieces.iter().enumerate() {
            let message = piece.message();
            let is_genuine = match deviates {
                Some(deviates) => !deviates || (self.texts)(message).is_none(),
                None => {
                    before.wire() == Wire::Secure
                        || (!piece.is_fragment() && genuine.first() == Some(&message))
                }
            };
            if is_genuine {
                if genuine.first() == Some(&message) {
                    genuine.remove(0);
                }
            } else if !inside {
                self.note(match (index, piece) {
                    (0, Piece::Whole(_)) => "here the attacker inserts this message",
                    (0, _) => "here the attacker inserts this, unfinished",
                    (_, Piece::Whole(_)) => "here the attacker adds this to the same segment",
                    (_, Piece::Line(_)) => "here the attacker adds half a line to the same segment",
                    (_, Piece::Block(_)) => {
                        "here the attacker adds an open block to the same segment"
                    }
                });
            }
            let forged = if is_genuine { None } else { (self.texts)(message) };
            let text = forged.unwrap_or_else(|| self.protocol.text(message).to_owned());
            let text = text.trim_end_matches('\n');
            match piece {
                // Of an unfinished message only what decides is sent.
                Piece::Line(_) => {
                    let last = text.lines().last().unwrap_or_default();
                    self.said("SERVER", &format!("{last} (and no line end)"));
                }
                Piece::Whole(_) | Piece::Block(_) => self.said("SERVER", text),
            }
        }
    }

    fn said(&mut self, who: &str, text: &str) {
        self.lines.extend(text.split('\n').map(|line| format!("{who}: {line}")));
    }

    /// What the client did.
    fn did(&mut self, transition: &Transition) {
        for &output in &transition.client {
            match output {
                Output::Connect(_) => {
                    let again = !self.lines.is_empty();
                    self.note(if again {
                        "client connects again"
                    } else {
                        "client connects to the server"
                    });
                }
                Output::Send(command) => self.said("CLIENT", self.protocol.said(command)),
                Output::Tell => {
                    self.told = true;
                    self.note(
                        "the client notifies the user that the secure connection was not possible",
                    );
                }
                Output::End(End::Refused) if !std::mem::take(&mut self.told) => {
                    self.note("the client gives up, and tells nobody");
                }
                Output::ShowedClearText => {
                    self.note("the client shows this text to its user as the server's word");
                }
                Output::OpenChannel(_) => self.note("the client opens the second connection"),
                _ => {}
            }
        }
    }
}

const fn certificate(peer: Peer) -> &'static str {
    match peer {
        Peer::Genuine => "the server's certificate",
        Peer::Untrusted => "a certificate that no trusted authority signed",
        Peer::WrongName => "a trusted certificate for another name",
        Peer::Expired => "a certificate whose time is over",
        Peer::OtherHost => "the certificate of another virtual host",
    }
}

/// What it means that a property is broken.
const fn meaning(property: Property) -> &'static str {
    match property {
        Property::NoSecretInClear => "everybody on the network can read that",
        Property::NoSecretToUnauthenticatedPeer => "the attacker reads that",
        Property::NothingBetweenRequestAndHandshake => {
            "that went out in clear between the upgrade request and the handshake"
        }
        Property::NoClearSecondChannel => "everybody on the network can read what goes over it",
        Property::NoClearRetry => "the second connection does without what the first one required",
        Property::NoClearRedirect => "the client goes where the attacker sent it",
        Property::TlsNotTakenAway => "the client goes on without TLS",
        Property::NoClearBytesUsedInsideTls => {
            "the client takes the attacker's words from before TLS for the server's inside it"
        }
        Property::NoClearCommandUsedInsideTls => {
            "the server runs the attacker's words from before TLS as the client's inside it"
        }
        Property::ClearKnowledgeForgotten => "the client goes by what it was told before TLS",
        Property::ClearStateForgotten => "the server still counts what was done before TLS",
        Property::SurvivorsOnlyCauseRefusal => {
            "the session rests on what the attacker wrote before TLS"
        }
        Property::NoJump => "the client skips the login because a clear-text reply said so",
        Property::TruncationIsNotSuccess => "the client takes the cut for a confirmation",
        Property::Agreement => {
            "the client takes for the answer what the server did not send as one"
        }
        Property::PolicyNotFromWire => "the client goes on outside TLS",
        Property::NameFromUser => "the client looks for a name that the peer gave",
        Property::OnlyDenialOfService => "more than denial of service has happened",
        Property::UserTold => "the user believes that all is well",
        Property::NoClearTextShownAsTrusted => "the user believes that the server wrote it",
        Property::AlwaysEnds => "the client waits for ever",
        Property::HonestDelivers => "nobody attacked, and nothing was delivered",
        Property::NoLoginInClear => "the server takes a login in clear",
        Property::NoUpgradeInsideTls => "the server offers the upgrade inside TLS",
    }
}
