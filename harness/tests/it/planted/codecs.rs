//! Codecs with one error each.

use std::sync::Arc;

use upward::canary::{Canaries, Challenge};
use upward::codec::{Answered, ClientSide, Codec, Cut, Heard, Lesson, Part, ServerSide, Verbs};
use upward_model::message::{Command, Fragments, Mechanism, Piece, Reply};
use upward_model::protocol::{Authentication, Protocol, TAG};

/// An error of a codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Misread {
    /// The server never offers the upgrade.
    OffersNothing,
    /// The server says everything twice.
    SaysTwice,
    /// The server does not know the upgrade request.
    MissesUpgrade,
    /// The server takes a login for nothing at all.
    MissesLogin,
    /// TLS can begin nowhere.
    NeverAtBoundary,
    /// The texts of vectors lose their line ends.
    LosesLineEnds,
    /// The client never sees half a message.
    DropsFragments,
    /// The client takes a refusal for the grant.
    TakesRefusalForGrant,
    /// The client sees the upgrade in every list.
    SeesUpgradeEverywhere,
    /// The client does not see who made a list.
    MissesLure,
    /// The client says everything but its data.
    WithholdsData,
    /// The client shows its user nothing.
    ShowsNoText,
    /// What a forged reply answers is left open.
    LeavesTagsOpen,
    /// The server takes what is carried in a literal for commands.
    TakesLiteralForCommands,
    /// The client takes text for its user for a refusal.
    TakesNoticeForRefusal,
    /// The client takes each `PREAUTH` for a greeting.
    MissesWelcome,
    /// The server takes the question for the capabilities for mailbox work.
    TakesQuestionForData,
}

impl Misread {
    /// All of them.
    pub(crate) const ALL: &'static [Self] = &[
        Self::OffersNothing,
        Self::SaysTwice,
        Self::MissesUpgrade,
        Self::MissesLogin,
        Self::NeverAtBoundary,
        Self::LosesLineEnds,
        Self::DropsFragments,
        Self::TakesRefusalForGrant,
        Self::SeesUpgradeEverywhere,
        Self::MissesLure,
        Self::WithholdsData,
        Self::ShowsNoText,
        Self::LeavesTagsOpen,
        Self::TakesLiteralForCommands,
        Self::TakesNoticeForRefusal,
        Self::MissesWelcome,
        Self::TakesQuestionForData,
    ];

    /// Whether a protocol has what the error is about.
    pub(crate) fn is_possible(self, protocol: &Protocol) -> bool {
        let logs_in = protocol.login != Authentication::None;
        match self {
            Self::OffersNothing | Self::SeesUpgradeEverywhere => {
                protocol.replies().contains(&Reply::offer(false))
            }
            Self::MissesLure => protocol.replies().contains(&Reply::lure(false)),
            Self::MissesLogin => logs_in,
            // What half a line does to the manual's client is not seen in the smallest tier.
            Self::DropsFragments => protocol.fragments == Fragments::LinesAndBlocks,
            Self::LeavesTagsOpen => {
                protocol.speech.replies.iter().any(|wording| wording.text.contains(TAG))
            }
            Self::TakesLiteralForCommands | Self::MissesWelcome => {
                protocol.replies().contains(&Reply::Welcome)
            }
            Self::TakesNoticeForRefusal => protocol.replies().contains(&Reply::Notice),
            Self::TakesQuestionForData => protocol.commands().contains(&Command::Hello) && logs_in,
            _ => true,
        }
    }
}

/// A codec with one error.
pub(crate) struct Planted {
    /// The codec.
    pub(crate) inner: Arc<dyn Codec>,
    /// The error.
    pub(crate) misread: Misread,
}

impl Codec for Planted {
    fn server(&self, canaries: &Canaries) -> Box<dyn ServerSide> {
        Box::new(Server { inner: self.inner.server(canaries), misread: self.misread })
    }

    fn client(&self) -> Box<dyn ClientSide> {
        Box::new(Client { inner: self.inner.client(), misread: self.misread })
    }

    fn bytes(&self, text: &str) -> Vec<u8> {
        let text = match self.misread {
            Misread::LosesLineEnds => text.trim_end(),
            _ => text,
        };
        self.inner.bytes(text)
    }

    fn carries_body(&self) -> bool {
        self.inner.carries_body()
    }

    fn lets_commands_run_ahead(&self) -> bool {
        self.inner.lets_commands_run_ahead()
    }

    fn verbs(&self) -> Verbs {
        self.inner.verbs()
    }

    fn word(&self, said: &[u8], goes_on: bool) -> String {
        self.inner.word(said, goes_on)
    }
}

struct Server {
    inner: Box<dyn ServerSide>,
    misread: Misread,
}

impl ServerSide for Server {
    fn cut(&mut self, bytes: &[u8]) -> Option<Heard> {
        let mut heard = self.inner.cut(bytes)?;
        let login = matches!(heard.command, Some(Command::Login(_) | Command::Begin(_)));
        if self.misread == Misread::MissesUpgrade && heard.command == Some(Command::Upgrade) {
            heard.command = None;
        }
        if self.misread == Misread::MissesLogin && login {
            heard.command = Some(Command::Noop);
        }
        if self.misread == Misread::TakesLiteralForCommands && heard.part == Part::Silent {
            // What comes next is read as if nothing had been announced.
            self.inner.reset();
        }
        if self.misread == Misread::TakesQuestionForData && heard.command == Some(Command::Hello) {
            heard.command = Some(Command::Deliver);
        }
        Some(heard)
    }

    fn say(&mut self, reply: Reply, inside: bool) -> Vec<u8> {
        let reply = match (self.misread, reply) {
            (Misread::OffersNothing, Reply::Capabilities { mechanism, .. }) => {
                Reply::Capabilities { upgrade: false, mechanism }
            }
            _ => reply,
        };
        let said = self.inner.say(reply, inside);
        if self.misread == Misread::SaysTwice { said.repeat(2) } else { said }
    }

    fn at_boundary(&self) -> bool {
        self.misread != Misread::NeverAtBoundary && self.inner.at_boundary()
    }

    fn challenges(&self) -> Vec<Challenge> {
        self.inner.challenges()
    }

    fn reset(&mut self) {
        self.inner.reset();
    }

    fn fill(&mut self, text: &str, answered: Answered) -> String {
        match self.misread {
            Misread::LeavesTagsOpen => text.to_owned(),
            _ => self.inner.fill(text, answered),
        }
    }

    fn lesson(&self) -> Lesson {
        self.inner.lesson()
    }

    fn learn(&mut self, lesson: &Lesson) {
        self.inner.learn(lesson);
    }
}

struct Client {
    inner: Box<dyn ClientSide>,
    misread: Misread,
}

impl ClientSide for Client {
    fn say(&mut self, command: Command, canaries: &Canaries) -> Vec<u8> {
        let command = match (self.misread, command) {
            (Misread::WithholdsData, Command::Deliver) => Command::Noop,
            _ => command,
        };
        self.inner.say(command, canaries)
    }

    fn cut(&mut self, bytes: &[u8]) -> Cut {
        let mut cut = self.inner.cut(bytes);
        if self.misread == Misread::DropsFragments {
            cut.pieces.retain(|piece| !piece.is_fragment());
            cut.rest.clear();
        }
        if self.misread == Misread::ShowsNoText {
            cut.text.clear();
        }
        for piece in &mut cut.pieces {
            let reply = match (self.misread, piece.message()) {
                (Misread::TakesRefusalForGrant, Reply::Refuse) => Reply::Accept,
                (Misread::SeesUpgradeEverywhere, Reply::Capabilities { mechanism, .. }) => {
                    Reply::Capabilities { upgrade: true, mechanism }
                }
                (Misread::MissesLure, Reply::Capabilities { upgrade, .. }) => {
                    Reply::Capabilities { upgrade, mechanism: Mechanism::Own }
                }
                (Misread::TakesNoticeForRefusal, Reply::Notice) => Reply::Refuse,
                (Misread::MissesWelcome, Reply::Welcome) => Reply::Greeting,
                (_, reply) => reply,
            };
            *piece = match piece {
                Piece::Whole(_) => Piece::Whole(reply),
                Piece::Line(_) => Piece::Line(reply),
                Piece::Block(_) => Piece::Block(reply),
            };
        }
        cut
    }
}
