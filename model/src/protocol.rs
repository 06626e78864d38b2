//! Protocols as data.
//!
//! A [`Protocol`] describes the differences between the standards of SMTP, IMAP, MySQL and the rest:
//! who speaks first, how the upgrade is offered and answered, what survives it. There is one model, and
//! one descriptor for each protocol. The harness adds a codec that knows the bytes.

mod ftp;
mod imap;
mod ldap;
mod managesieve;
mod manual;
mod mysql;
mod pop3;
mod postgresql;
mod smtp;
mod speech;

use self::speech::{forged, honest, other_name};
pub use crate::level::Level;
use crate::message::{Command, Fragments, Mechanism, Reply};
use crate::property::Property;

pub use self::ftp::FTP;
pub use self::imap::IMAP;
pub use self::ldap::LDAP;
pub use self::managesieve::MANAGESIEVE;
pub use self::manual::MANUAL;
pub use self::mysql::MYSQL;
pub use self::pop3::POP3;
pub use self::postgresql::POSTGRESQL;
pub use self::smtp::SMTP;
pub(crate) use self::speech::shown;
pub use self::speech::{At, Blocks, Said, Speech, TAG, WRONG_NAME, Wording};

/// Every protocol that the model knows; the first is the GnuTLS manual's.
pub const PROTOCOLS: [&Protocol; 9] =
    [&MANUAL, &SMTP, &IMAP, &POP3, &MANAGESIEVE, &LDAP, &FTP, &POSTGRESQL, &MYSQL];

/// Finds a protocol by its name.
pub fn by_name(name: &str) -> Option<&'static Protocol> {
    PROTOCOLS.into_iter().find(|protocol| protocol.name == name)
}

/// The facts about a protocol that the model needs.
#[derive(Debug, PartialEq, Eq)]
pub struct Protocol {
    /// Stable name: lower case, as in vector ids and on the command line.
    pub name: &'static str,
    /// Its name in prose.
    pub title: &'static str,
    /// The standards on which the descriptor is based.
    pub standards: &'static [&'static str],
    /// Who speaks first on a new connection, and what.
    pub opening: Opening,
    /// How the client learns whether the upgrade is offered.
    pub offer: Offer,
    /// Whether a client may ask for an upgrade that was not offered.
    pub unoffered: Unoffered,
    /// How the server answers the upgrade request.
    pub answer: Answer,
    /// Who speaks first inside TLS after an upgrade.
    pub inside: Inside,
    /// What a sound client does about a greeting that claims a login.
    pub welcome: Welcome,
    /// Whether a login comes before the confidential data, and where its challenge comes from.
    pub login: Authentication,
    /// Whether the capability list names login mechanisms to choose from.
    pub mechanisms: Mechanisms,
    /// What a client must forget when TLS starts.
    pub memory: Memory,
    /// Whether one side may take TLS away and go on in clear.
    pub closure: Closure,
    /// Whether the confidential data travel on a second connection.
    pub channel: Channel,
    /// Whether servers can send clients elsewhere.
    pub redirects: bool,
    /// Whether a datum sent before TLS chooses the server's certificate or password file.
    pub chooses_certificate: bool,
    /// Data that a client may send in clear although they name the user or the host.
    pub public_before_tls: &'static [Public],
    /// The implicit-TLS twin.
    pub implicit: Twin,
    /// The protocol's identifier in ALPN, if one is registered.
    pub alpn: Option<&'static str>,
    /// The kinds of incomplete messages.
    pub fragments: Fragments,
    /// Properties whose level differs from the default, with the source.
    pub levels: &'static [(Property, Level, &'static str)],
    /// The wire texts.
    pub speech: Speech,
}

/// Who speaks first on a new connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// The server greets.
    Greeting,
    /// The server speaks first, and its first words are its capabilities.
    Capabilities,
    /// The client speaks first.
    Client,
}

/// How the client learns whether the upgrade is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// The capabilities are in the server's first message.
    InOpening,
    /// The client asks.
    OnRequest,
    /// It does not learn it: it can only try.
    Never,
    /// The client introduces itself, but the reply says nothing about TLS.
    Unsaid,
}

/// Whether a client may ask for an upgrade that was not offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unoffered {
    /// It may.
    MayTry,
    /// It must not, or cannot.
    MustNotTry,
}

/// A datum that names a user or a host and may be sent in clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Public {
    /// The user's name (the manual's HELLO; SRP).
    UserName,
    /// The client's host name (SMTP's EHLO).
    ClientHost,
    /// The name of the requested virtual host (FTP's HOST).
    ServerHost,
}

/// How the server answers the upgrade request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// With a reply of the protocol.
    Message,
    /// Not at all: TLS follows the request (MySQL).
    None,
}

/// Who speaks first inside TLS after an upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inside {
    /// The client.
    Client,
    /// The server, with its capabilities (ManageSieve, RFC 5804 section 2.2).
    Server,
}

/// What a sound client does about a greeting that claims a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Welcome {
    /// There is no such greeting.
    Unknown,
    /// It closes the connection: the upgrade is illegal once logged in (RFC 9051 section 7.1.4).
    Close,
    /// It may upgrade all the same; the upgrade starts the session anew.
    Upgrade,
}

/// Whether a login comes before the confidential data, and where its challenge comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// No login: the data follow at once.
    None,
    /// A login, whose challenge (if any) the server sends when asked.
    InSession,
    /// A login whose challenge was in the greeting, in clear.
    FromOpening,
}

/// Whether a capability list names login mechanisms to choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanisms {
    /// There is no login, only one way to log in, or no list that names them.
    One,
    /// The list names several: the attacker's names the weaker one only.
    Several,
}

/// What a client must forget when TLS starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// All that it learned in clear.
    Forgotten,
    /// Nothing: the protocol uses it inside TLS without sending it again. So an attacker who changes it
    /// must not gain more than a refusal.
    Survives,
}

/// Whether one side may take TLS away and go on in clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closure {
    /// TLS lasts as long as the connection.
    EndsConnection,
    /// The server may end TLS and keep the connection (LDAP closure alert, FTP `CCC`).
    MayGoOnInClear,
}

/// Whether the confidential data travel on a second connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// They travel on the connection itself.
    Same,
    /// On a second one, clear unless the client asks for protection (RFC 4217 section 9).
    Second,
}

/// The implicit-TLS twin of a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Twin {
    /// There is none.
    None,
    /// A port of its own, or direct TLS on the same one.
    Port(u16),
}

impl Protocol {
    /// The messages that a server of this protocol, or an attacker in its place, can send.
    pub fn replies(&self) -> Vec<Reply> {
        let mut replies = Vec::new();
        if self.opening == Opening::Greeting {
            replies.push(Reply::Greeting);
        }
        if self.welcome != Welcome::Unknown {
            replies.push(Reply::Welcome);
        }
        match self.offer {
            Offer::InOpening | Offer::OnRequest => {
                for upgrade in [true, false] {
                    for mechanism in self.mechanisms() {
                        replies.push(Reply::Capabilities { upgrade, mechanism });
                    }
                }
            }
            Offer::Never => {}
            Offer::Unsaid => replies.push(Reply::offer(true)),
        }
        if self.answer == Answer::Message {
            replies.push(Reply::Accept);
        }
        replies.extend([Reply::Refuse, Reply::Garbled, Reply::Unknown]);
        if self.login != Authentication::None {
            if self.login == Authentication::InSession {
                replies.push(Reply::Challenge);
            }
            replies.push(Reply::LoggedIn);
        }
        replies.push(Reply::Done);
        if self.redirects {
            replies.push(Reply::Redirect);
        }
        replies.push(Reply::Notice);
        if self.wordings(Reply::Data).next().is_some() {
            replies.push(Reply::Data);
        }
        replies.push(Reply::Bye);
        replies
    }

    /// Whether a greeting can carry the capabilities (IMAP, RFC 9051 section 7.1).
    pub fn greets_with_capabilities(&self) -> bool {
        self.opening == Opening::Greeting
            && self.speech.replies.iter().any(|wording| {
                wording.at == At::Opening && matches!(wording.reply, Reply::Capabilities { .. })
            })
    }

    /// The messages that a client of this protocol, or an attacker in its place, can send.
    pub fn commands(&self) -> Vec<Command> {
        let mut commands = Vec::new();
        if self.has_hello() {
            commands.push(Command::Hello);
        }
        commands.push(Command::Upgrade);
        if self.login != Authentication::None {
            for mechanism in self.mechanisms() {
                if self.login == Authentication::InSession {
                    commands.push(Command::Begin(mechanism));
                }
                commands.push(Command::Login(mechanism));
            }
            if self.login == Authentication::InSession {
                commands.push(Command::Credential);
            }
        }
        if self.channel == Channel::Second {
            commands.push(Command::Protect);
        }
        commands.extend([Command::Deliver, Command::Noop, Command::Goodbye]);
        commands
    }

    /// Whether the client introduces itself, or asks for capabilities, with a message.
    pub const fn has_hello(&self) -> bool {
        matches!(self.offer, Offer::OnRequest | Offer::Unsaid)
    }

    /// The login mechanisms that a capability list can name, and a login can use.
    pub fn mechanisms(&self) -> impl Iterator<Item = Mechanism> + use<> {
        let weaker = self.mechanisms == Mechanisms::Several;
        let salted = weaker && self.login == Authentication::FromOpening;
        [Mechanism::Own]
            .into_iter()
            .chain(weaker.then_some(Mechanism::Lure))
            .chain(salted.then_some(Mechanism::Salted))
    }

    /// Whether the protocol has the feature that a property is about.
    pub fn has_what(&self, property: Property) -> bool {
        match property {
            Property::NoClearSecondChannel => self.channel == Channel::Second,
            Property::NoClearRedirect => self.redirects,
            Property::TlsNotTakenAway => self.closure == Closure::MayGoOnInClear,
            Property::ClearKnowledgeForgotten => self.memory == Memory::Forgotten,
            Property::SurvivorsOnlyCauseRefusal => self.memory == Memory::Survives,
            Property::NoJump | Property::ClearStateForgotten | Property::NoLoginInClear => {
                self.login != Authentication::None
            }
            Property::NoClearDataHandedOver => self.wordings(Reply::Data).next().is_some(),
            Property::DeliversToNamedHost => self.chooses_certificate,
            _ => true,
        }
    }

    /// The level of a property, and its source.
    pub fn level(&self, property: Property) -> (Level, &'static str) {
        self.levels
            .iter()
            .find(|(other, _, _)| *other == property)
            .map_or_else(|| property.default_level(), |&(_, level, source)| (level, source))
    }

    /// The wordings of a reply; the honest one first.
    pub fn wordings(&self, reply: Reply) -> impl Iterator<Item = &'static Wording> {
        self.speech.replies.iter().filter(move |wording| wording.reply == reply)
    }

    /// The honest server's text for a reply; a placeholder if no text is known.
    pub fn text(&self, reply: Reply) -> &'static str {
        self.wordings(reply).next().map_or("(a reply without a text)", |wording| wording.text)
    }

    /// Whether a reply has the same status as the one that grants the upgrade: the first digit of its
    /// code (RFC 5321 section 4.2, RFC 959 section 4.2), or `+OK` (RFC 1939 section 3). False if a
    /// status alone is not an answer.
    pub(crate) fn is_positive(&self, reply: Reply) -> bool {
        let status = |reply| match self.wordings(reply).next()?.text {
            text if text.starts_with("+OK") => text.get(..3),
            text => text.get(..1).filter(|digit| digit.bytes().all(|byte| byte.is_ascii_digit())),
        };
        status(reply).is_some() && status(reply) == status(Reply::Accept)
    }

    /// The client's text for a command.
    pub fn said(&self, command: Command) -> &'static str {
        let said = Said::from(command);
        self.speech
            .commands
            .iter()
            .find(|(other, _)| *other == said)
            .map_or("(a message without a text)", |&(_, text)| text)
    }
}
