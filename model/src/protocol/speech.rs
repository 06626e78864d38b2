//! What is said in a protocol: the words of vectors and dialogues.

use crate::message::{Command, Reply};

/// The wire texts of a protocol: for dialogues, personas and deviations.
///
/// Lines are given without their line end. The first wording of a reply is what the honest
/// server says; [`TAG`] stands for what only the client's command can tell.
#[derive(Debug, PartialEq, Eq)]
pub struct Speech {
    /// What the server's messages look like.
    pub replies: &'static [Wording],
    /// What the client's messages look like, for dialogues.
    pub commands: &'static [(Said, &'static str)],
    /// The line end; empty for protocols that are not made of lines.
    pub line_end: &'static str,
}

/// Stands in a reply for the tag of the command that it answers (IMAP, RFC 9051 section 2.2.1).
pub const TAG: &str = "{tag}";

/// The tag of all commands in dialogues.
const SHOWN_TAG: &str = "a";

/// A text of a reply as dialogues and summaries show it.
pub(crate) fn shown(text: &str) -> String {
    text.replace(TAG, SHOWN_TAG)
}

/// A client's message, for the table of texts: mechanisms and secrets left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the variants are those of `Command`")]
pub enum Said {
    Hello,
    Upgrade,
    Begin,
    Login,
    Credential,
    Protect,
    Deliver,
    Goodbye,
    Noop,
}

/// One way to put a reply, and the attack class that it belongs to when it is a forgery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wording {
    /// What it means.
    pub reply: Reply,
    /// A word for it in vector ids: lower case, digits, hyphens.
    pub slug: &'static str,
    /// The text; `\n` separates the lines of a multi-line reply.
    pub text: &'static str,
    /// Where an attacker would use it.
    pub at: At,
    /// The attack class, as in vectors and reports.
    pub class: &'static str,
}

/// The question that a wording answers, when it is used as a forgery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum At {
    /// The opening of the connection.
    Opening,
    /// The question for the capabilities.
    Capabilities,
    /// The upgrade request.
    Upgrade,
    /// Anywhere: it answers nothing.
    Anywhere,
    /// None: it comes behind the opening of the connection, in the same segment.
    BehindOpening,
    /// None: it comes before the answer to the upgrade request, in the same segment.
    BeforeUpgrade,
    /// It is what the honest server says, and no forgery of itself.
    Honest,
}

impl From<Command> for Said {
    fn from(command: Command) -> Self {
        match command {
            Command::Hello => Self::Hello,
            Command::Upgrade => Self::Upgrade,
            Command::Begin(_) => Self::Begin,
            Command::Login(_) => Self::Login,
            Command::Credential => Self::Credential,
            Command::Protect => Self::Protect,
            Command::Deliver => Self::Deliver,
            Command::Goodbye => Self::Goodbye,
            Command::Noop => Self::Noop,
        }
    }
}

/// What the honest server says.
pub(super) const fn honest(reply: Reply, text: &'static str) -> Wording {
    Wording { reply, slug: "", text, at: At::Honest, class: "" }
}

/// What an attacker says.
pub(super) const fn forged(
    reply: Reply,
    slug: &'static str,
    text: &'static str,
    at: At,
    class: &'static str,
) -> Wording {
    Wording { reply, slug, text, at, class }
}
