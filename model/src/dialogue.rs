//! Witnesses and plays as dialogues, in the manner of the GnuTLS manual.
//!
//! `CLIENT:` and `SERVER:` are the messages that the client sends and receives; brackets describe the
//! attacker's actions, and their meaning.

use crate::client::{Client, Close, End, Output, Peer, Target};
use crate::message::{Command, Layer, Piece, Reply};
use crate::play::Play;
use crate::policy::Policy;
use crate::property::Property;
use crate::protocol::{Protocol, shown};
use crate::server;
use crate::walk::Witness;
use crate::world::{Action, State, Transition, Wire, World};

/// The text of a reply in a dialogue, if it is not the protocol's usual one.
pub type Texts<'a> = &'a dyn Fn(Reply) -> Option<String>;

/// A witness as a dialogue.
pub fn witness<C: Client>(world: &World<C>, witness: &Witness) -> Vec<String> {
    let mut dialogue = Dialogue::new(world.protocol, &|_| None);
    dialogue.sessions = &world.sessions;
    dialogue.announce(0);
    let initial = world.initial();
    dialogue.did(&initial, &mut Vec::new());
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
    dialogue.did(&play.opening, &mut Vec::new());
    for step in &play.steps {
        dialogue.step(&step.before, &step.action, &step.transition, Some(step.deviates));
    }
    dialogue.lines
}

/// A line that is safe to print: control characters become escapes.
pub(crate) fn printable(line: &str) -> String {
    let shown = |c: char| match c {
        c if c.is_control() => format!("\\x{:02x}", u32::from(c)),
        c => c.to_string(),
    };
    line.chars().map(shown).collect()
}

pub(crate) struct Dialogue<'a> {
    protocol: &'static Protocol,
    texts: Texts<'a>,
    /// The user's sessions, if there is more than one.
    sessions: &'a [Policy],
    session: usize,
    pub(crate) lines: Vec<String>,
    told: bool,
}

impl<'a> Dialogue<'a> {
    pub(crate) const fn new(protocol: &'static Protocol, texts: Texts<'a>) -> Self {
        Self { protocol, texts, sessions: &[], session: 0, lines: Vec::new(), told: false }
    }

    pub(crate) fn note(&mut self, text: &str) {
        self.lines.push(format!("({text})"));
    }

    pub(crate) fn step(
        &mut self,
        before: &State,
        action: &Action,
        transition: &Transition,
        deviates: Option<bool>,
    ) {
        match action {
            Action::ToClient(segment) => self.client_is_given(before, segment.pieces(), deviates),
            Action::ToServer(segment) => {
                if before.wire() != Wire::Secure && deviates.is_none() {
                    self.server_is_given(before, segment.pieces());
                }
            }
            Action::Handshake(Peer::Genuine) => self.lines.push("*** TLS STARTS".to_owned()),
            Action::Handshake(peer) => {
                self.note(&format!("here the attacker ends TLS with {}", certificate(*peer)));
                self.lines.push("*** TLS STARTS".to_owned());
            }
            Action::FailHandshake => self.note("here the attacker breaks the TLS handshake"),
            Action::NameOtherHost => {
                self.note("here the attacker makes the client's introduction name the other host");
            }
            Action::Channel(Peer::Genuine) => {
                self.lines.push("*** TLS STARTS ON THE SECOND CONNECTION".to_owned());
            }
            Action::Channel(peer) => {
                let shown = certificate(*peer);
                self.note(&format!(
                    "here the attacker ends the second connection's TLS with {shown}"
                ));
            }
            Action::FailChannel => self.note("here the attacker breaks the second connection"),
            Action::EndTls => self.note("here TLS is ended, and the connection stays"),
            Action::Close(Close::Orderly) => self.note("here the connection is closed"),
            Action::Close(Close::Truncated) => {
                self.note("here the attacker closes the connection, and TLS was not closed");
            }
            Action::Close(Close::Cut) => self.note("here the attacker cuts the connection"),
            Action::Redial(_) => {
                self.note("here the attacker leads the connection to the server's other port");
            }
            Action::Deadline => self.note("the deadline passes"),
        }
        let new = |property: &Property| !before.broken().has(*property);
        let mut fresh: Vec<Property> = transition.state.broken().iter().filter(new).collect();
        self.did(transition, &mut fresh);
        // Properties that follow from others are not mentioned.
        let telling = |property: &Property| {
            !matches!(property, Property::OnlyDenialOfService | Property::PolicyNotFromWire)
        };
        for &property in fresh.iter().filter(|property| telling(property)) {
            self.note(meaning(property));
        }
    }

    fn server_is_given(&mut self, before: &State, pieces: &[Piece<Command>]) {
        let mut genuine = before.commands_under_way().peekable();
        let swallowed = genuine.peek().is_some();
        for (index, &piece) in pieces.iter().enumerate() {
            if genuine.next_if(|&command| piece == Piece::Whole(command)).is_some() {
                continue;
            }
            match (index, piece) {
                (0, Piece::Whole(_)) if swallowed => {
                    self.note("here the attacker says this to the server instead");
                }
                (0, Piece::Whole(_)) => self.note("here the attacker says this to the server"),
                (0, _) => self.note("here the attacker says this to the server, unfinished"),
                (_, Piece::Whole(_)) => {
                    self.note("here the attacker adds this to the segment for the server");
                }
                (..) => self.note("here the attacker adds this to the segment, unfinished"),
            }
            self.said("ATTACKER", self.protocol.said(piece.message()));
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
                // An unfinished message is shown by its last line only.
                Piece::Line(_) => {
                    let last = text.lines().last().unwrap_or_default();
                    self.said("SERVER", &format!("{last} (and no line end)"));
                }
                Piece::Whole(_) | Piece::Block(_) => self.said("SERVER", text),
            }
        }
    }

    fn said(&mut self, who: &str, text: &str) {
        let text = shown(text);
        self.lines.extend(text.split('\n').map(|line| format!("{who}: {}", printable(line))));
    }

    /// Describes a broken property, once, where it breaks.
    fn say(&mut self, fresh: &mut Vec<Property>, property: Property) {
        if let Some(index) = fresh.iter().position(|&other| other == property) {
            fresh.remove(index);
            self.note(meaning(property));
        }
    }

    /// Adds the actions of server and client, with their meaning after them.
    pub(crate) fn did(&mut self, transition: &Transition, fresh: &mut Vec<Property>) {
        for &output in &transition.server {
            match output {
                server::Output::RanClearCommand => {
                    self.say(fresh, Property::NoClearCommandUsedInsideTls);
                }
                server::Output::KeptClearLogin => self.say(fresh, Property::ClearStateForgotten),
                _ => {}
            }
        }
        for &output in &transition.client {
            match output {
                Output::Connect(target) => self.connects(target),
                Output::Send(command) => {
                    self.said("CLIENT", self.protocol.said(command));
                    if !command.is_allowed_in_clear() {
                        self.say(fresh, Property::NoSecretInClear);
                        self.say(fresh, Property::NoSecretToUnauthenticatedPeer);
                        self.say(fresh, Property::NothingBetweenRequestAndHandshake);
                    }
                }
                Output::Tell => {
                    self.told = true;
                    self.note(
                        "the client notifies the user that the secure connection was not possible",
                    );
                }
                Output::End(end) => self.ends(end),
                Output::Shows => {
                    self.note("the client shows this text to its user as the server's word");
                }
                Output::HandsOver => {
                    self.note("the client hands these data to the application as the server's");
                }
                Output::OpenChannel(Layer::Clear) => {
                    self.note("the client opens the second connection, without TLS");
                }
                Output::OpenChannel(Layer::Tls) => {
                    self.note("the client opens the second connection, with TLS");
                }
                Output::MoveData => {
                    self.note("the client moves the data over the second connection");
                    self.say(fresh, Property::NoClearSecondChannel);
                    self.say(fresh, Property::NoSecretToUnauthenticatedPeer);
                }
                Output::Took(Layer::Clear) => {
                    self.say(fresh, Property::NoClearBytesUsedInsideTls);
                    // The shift of the answers follows from it.
                    fresh.retain(|&property| property != Property::Agreement);
                }
                Output::UsedClearKnowledge(_) => self.say(fresh, Property::ClearKnowledgeForgotten),
                Output::Skipped => self.say(fresh, Property::NoJump),
                Output::UsedNameFromWire => self.say(fresh, Property::NameFromUser),
                Output::TookTruncation => self.say(fresh, Property::TruncationIsNotSuccess),
                Output::Took(Layer::Tls) | Output::StartTls | Output::Close => {}
            }
        }
    }

    fn connects(&mut self, target: Target) {
        let again = self.lines.iter().any(|line| !line.starts_with('('));
        self.note(match (target, again) {
            (Target::Implicit, false) if !self.sessions.is_empty() => {
                "client connects to the server, where TLS comes first"
            }
            (_, false) => "client connects to the server",
            (Target::Redirected, true) => "client connects where it was sent",
            (_, true) => "client connects again",
        });
    }

    fn ends(&mut self, end: End) {
        let told = std::mem::take(&mut self.told);
        if end == End::Refused && !told {
            self.note("the client gives up, and tells nobody");
        }
        self.session += 1;
        self.announce(self.session);
    }

    /// Names the user's policy, if there are several sessions.
    fn announce(&mut self, session: usize) {
        let Some(policy) = self.sessions.get(session) else { return };
        if self.sessions.len() < 2 {
            return;
        }
        let which =
            if session == 0 { "the user's first session" } else { "the user's next session" };
        self.note(&match policy {
            Policy::Opportunistic => format!("{which} may do without TLS"),
            Policy::Required | Policy::Implicit => format!("{which} requires TLS"),
        });
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

/// The meaning of a broken property.
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
        Property::NoClearDataHandedOver => "the application believes that the server sent them",
        Property::AlwaysEnds => "the client waits for ever",
        Property::DeliversToNamedHost => {
            "the data are at the host that the attacker named, not at the user's"
        }
        Property::HonestDelivers => "nobody attacked, and nothing was delivered",
        Property::NoLoginInClear => "the server takes a login in clear",
        Property::NoUpgradeInsideTls => "the server offers the upgrade inside TLS",
    }
}
