//! The texts of a protocol, for vectors and dialogues.

use crate::message::{Command, Reply};

/// The wire texts of a protocol: for dialogues, personas and deviations.
///
/// Lines are given without their line end. The first wording of a reply is the honest server's; [`TAG`]
/// stands for the tag of the client's command.
#[derive(Debug, PartialEq, Eq)]
pub struct Speech {
    /// The server's messages.
    pub replies: &'static [Wording],
    /// The client's messages, for dialogues.
    pub commands: &'static [(Said, &'static str)],
    /// The line end; empty for protocols that are not made of lines.
    pub line_end: &'static str,
    /// How a message is left open.
    pub blocks: Blocks,
}

impl Speech {
    /// Whether a reply names the answered command by a tag.
    pub(crate) fn has_tags(&self) -> bool {
        self.replies.iter().any(|wording| wording.text.contains(TAG))
    }
}

/// How a message can be incomplete, so that the next bytes are read as a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Blocks {
    /// It cannot, or the model does not know how.
    None,
    /// A hyphen after the code means that another line follows (RFC 5321 section 4.2, RFC 959 section
    /// 4.2).
    Hyphens,
    /// A list goes on up to a line with a single dot (RFC 1939 section 3).
    Dot,
    /// A list counts once a tagged line confirms it (RFC 9051 section 7).
    Confirmed,
}

impl Blocks {
    /// An incomplete text: without its end, each line with its line end; `None` if the text cannot be
    /// incomplete.
    pub(crate) fn open(self, text: &str) -> Option<String> {
        let lines = |text: &str, line: fn(&str) -> String| text.lines().map(line).collect();
        match self {
            Self::None => None,
            Self::Hyphens => Some(lines(text, |line| match line.split_once(' ') {
                Some((code, rest)) if is_code(code) => format!("{code}-{rest}\n"),
                _ => format!("{line}\n"),
            })),
            Self::Dot => Some(lines(text.strip_suffix("\n.")?, |line| format!("{line}\n"))),
            Self::Confirmed => {
                let (list, confirmation) = text.rsplit_once('\n')?;
                confirmation.starts_with(TAG).then(|| lines(list, |line| format!("{line}\n")))
            }
        }
    }

    /// Whether the next text completes an incomplete one, and only with its last line. That must not
    /// change the meaning of a list: the next text lists nothing new.
    pub(crate) fn is_ended(self, open: &str, next: &str) -> bool {
        match self {
            Self::None => false,
            Self::Hyphens => {
                let code = open.lines().last().and_then(|line| line.get(..3));
                let same = code.is_some() && next.get(..3) == code && next.get(3..4) == Some(" ");
                next.lines().count() == 1 && same
            }
            Self::Dot => {
                let Some(listed) = next.trim_end().strip_suffix("\n.") else { return false };
                listed.lines().skip(1).all(|line| line != "." && open.lines().any(|l| l == line))
            }
            Self::Confirmed => next.lines().count() == 1 && next.starts_with("{tag} OK"),
        }
    }
}

fn is_code(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Stands in a reply for the tag of the command that it answers (IMAP, RFC 9051 section 2.2.1).
pub const TAG: &str = "{tag}";

/// The tag of all commands in dialogues.
const SHOWN_TAG: &str = "a";

/// The text of a reply in dialogues and summaries.
pub(crate) fn shown(text: &str) -> String {
    text.replace(TAG, SHOWN_TAG)
}

/// A client's message in the table of texts, without mechanisms and secrets.
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

/// A wording of a reply, with its attack class if it is a forgery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wording {
    /// Its meaning.
    pub reply: Reply,
    /// A word for it in vector ids: lower case, digits, hyphens.
    pub slug: &'static str,
    /// The text; `\n` separates the lines of a multi-line reply.
    pub text: &'static str,
    /// The place where an attacker would use it.
    pub at: At,
    /// The attack class, as in vectors and reports.
    pub class: &'static str,
    /// Whether real clients distinguish it from other words for the same reply, although the model does
    /// not: they choose a login mechanism by its name.
    pub apart: bool,
}

impl Wording {
    /// The same, distinguished by real clients from other words for the reply.
    pub(super) const fn apart(self) -> Self {
        Self { apart: true, ..self }
    }
}

/// The request that a wording answers, if it is used as a forgery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum At {
    /// The opening of the connection.
    Opening,
    /// The request for the capabilities.
    Capabilities,
    /// The upgrade request.
    Upgrade,
    /// Any request: it answers none.
    Anywhere,
    /// None: it follows the opening of the connection, in the same segment.
    BehindOpening,
    /// None: it precedes the answer to the upgrade request, in the same segment.
    BeforeUpgrade,
    /// None: it follows the answer to the upgrade request, and its end is missing. The text has no
    /// final line end.
    LeftOpen,
    /// The request that the same reply answers honestly. It is sent with a certificate for
    /// [`WRONG_NAME`], and names that host.
    OtherName,
    /// It is the honest server's text, and not a forgery.
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

/// A text of the honest server.
pub(super) const fn honest(reply: Reply, text: &'static str) -> Wording {
    Wording { reply, slug: "", text, at: At::Honest, class: "", apart: false }
}

/// The name in a certificate for another name than the user's.
pub const WRONG_NAME: &str = "localhost.wrong.example";

/// A text of an attacker whose certificate is for [`WRONG_NAME`].
pub(super) const fn other_name(reply: Reply, text: &'static str) -> Wording {
    Wording { reply, slug: "", text, at: At::OtherName, class: "", apart: false }
}

/// A text of an attacker.
pub(super) const fn forged(
    reply: Reply,
    slug: &'static str,
    text: &'static str,
    at: At,
    class: &'static str,
) -> Wording {
    Wording { reply, slug, text, at, class, apart: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_name_is_all_that_another_server_says_otherwise() {
        let named = |text: &str| text.contains(WRONG_NAME);
        for protocol in crate::protocol::PROTOCOLS {
            for wording in protocol.speech.replies.iter().filter(|it| it.at == At::OtherName) {
                let honest = protocol.text(wording.reply);
                assert!(named(wording.text) && !named(honest), "{}", wording.text);
                assert_eq!(wording.text.replace(WRONG_NAME, "localhost"), honest);
            }
        }
    }

    #[test]
    fn leaves_open_what_can_be() {
        let open = |blocks: Blocks, text| blocks.open(text);
        assert_eq!(open(Blocks::Hyphens, "250-a\n250 b"), Some("250-a\n250-b\n".to_owned()));
        assert_eq!(open(Blocks::Hyphens, "%%%%"), Some("%%%%\n".to_owned()));
        assert_eq!(open(Blocks::Dot, "+OK list\nSTLS\n."), Some("+OK list\nSTLS\n".to_owned()));
        assert_eq!(open(Blocks::Dot, "+OK"), None);
        assert_eq!(open(Blocks::Confirmed, "* LIST\n{tag} OK"), Some("* LIST\n".to_owned()));
        assert_eq!(open(Blocks::Confirmed, "{tag} OK"), None);
        assert_eq!(open(Blocks::None, "+OK"), None);
    }

    #[test]
    fn an_open_text_ends_with_the_last_line_of_the_next() {
        assert!(Blocks::Hyphens.is_ended("250-a\n", "250 b\n"));
        for next in ["220 b\n", "250-b\n", "250-b\n250 c\n"] {
            assert!(!Blocks::Hyphens.is_ended("250-a\n", next), "{next}");
        }
        assert!(Blocks::Dot.is_ended("+OK list\nUSER\nSTLS\n", "+OK list\nSTLS\n.\n"));
        for next in ["+OK\n", "+OK list\n.\n+OK\n", "+OK list\nSTLS\n.\n"] {
            assert!(!Blocks::Dot.is_ended("+OK list\nUSER\n", next), "{next}");
        }
        assert!(Blocks::Confirmed.is_ended("* LIST\n", "{tag} OK done\n"));
        assert!(!Blocks::Confirmed.is_ended("* LIST\n", "{tag} NO\n"));
    }
}
