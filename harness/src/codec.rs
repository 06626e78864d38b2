//! Codecs: the bytes of a protocol's messages.
//!
//! The model knows the meaning of a message; a codec knows its bytes. Each protocol has one codec. It
//! serves three parties: the persona (parse commands, format replies), the judge (is this message
//! allowed in clear?) and the built-in client (format commands, parse replies).

mod imap;
mod lines;
mod manual;
mod pop3;
mod sasl;
mod smtp;
#[cfg(test)]
mod testing;
mod weaker;
mod words;

use upward_model::message::{Command, Piece, Reply};

use crate::canary::{Canaries, Challenge};

pub use self::imap::Imap;
pub use self::manual::Manual;
pub use self::pop3::Pop3;
pub use self::smtp::Smtp;
pub(crate) use self::words::CONTINUED;
pub use self::words::Verbs;

/// A message of the client, parsed from its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Its length in bytes.
    pub length: usize,
    /// Its command in the model; `None` if it is not of the protocol.
    pub command: Option<Command>,
    /// Whether a client whose policy needs TLS may send it in clear.
    pub allowed: bool,
    /// Which part of a command it is: one delivery in the model is several steps on the wire.
    pub part: Part,
}

/// Which part of a command a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The whole command, or its end: the model's server answers it.
    Whole,
    /// A step with this answer.
    Step(Reply),
    /// A step without an answer.
    Silent,
}

/// The server's side of a connection: parses the client's bytes, and formats replies.
pub trait ServerSide: Send {
    /// Parses the next message of the received bytes; `None` if it is not complete.
    fn cut(&mut self, bytes: &[u8]) -> Option<Heard>;

    /// Parses an incomplete message at the end of the stream. Its length is at most that of `bytes`.
    fn cut_last(&mut self, bytes: &[u8]) -> Option<Heard> {
        let heard = self.cut(&[bytes, b"\r\n"].concat())?;
        let length = heard.length.min(bytes.len());
        Some(Heard { length, part: Part::Silent, ..heard })
    }

    /// Whether a message may end with these bytes, so that TLS may begin after them.
    fn may_end(&self, bytes: &[u8]) -> bool {
        bytes.ends_with(b"\n")
    }

    /// Formats a reply to the last parsed message. `inside`: it is sent inside TLS.
    fn say(&mut self, reply: Reply, inside: bool) -> Vec<u8>;

    /// Whether the last parsed introduction asks for the capabilities.
    fn asks_for_capabilities(&self) -> bool {
        true
    }

    /// Whether the bytes end between two messages, where TLS could begin.
    fn at_boundary(&self) -> bool;

    /// The challenges sent so far.
    fn challenges(&self) -> Vec<Challenge>;

    /// Discards the state of the session, since TLS has begun or ended.
    fn reset(&mut self);

    /// Replaces the placeholder in a text of a vector that depends on the client: `{tag}`, the tag of
    /// the answered command (RFC 9051 section 2.2.1).
    fn fill(&mut self, text: &str, answered: Answered) -> String {
        let _ = answered;
        text.to_owned()
    }

    /// What this connection has shown about the client.
    fn lesson(&self) -> Lesson {
        Lesson::default()
    }

    /// Uses what an honest run has shown about the client.
    fn learn(&mut self, lesson: &Lesson) {
        let _ = lesson;
    }
}

/// Which command a forged reply answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answered {
    /// The last parsed command.
    Last,
    /// A command that was not received yet: the next, and for each further reply the one after it.
    Next,
}

/// What an honest run shows about a client, and an attacker can know beforehand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lesson {
    /// The tags of its commands on one connection, in order, up to a limit.
    pub tags: Vec<Vec<u8>>,
}

/// The request that a reply answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// The connection itself.
    Connection,
    /// A command.
    Command(Command),
}

/// The client's side of a connection: formats commands, and parses the server's bytes.
pub trait ClientSide: Send {
    /// Formats a command. If it has several steps, returns the first; the others are sent when the
    /// server asks for them.
    fn say(&mut self, command: Command, canaries: &Canaries) -> Vec<u8>;

    /// Introduces the client by this name, if the protocol has a name there.
    fn introduce(&mut self, name: &str) -> Vec<u8> {
        let _ = name;
        self.say(Command::Hello, &Canaries::new(0))
    }

    /// Parses the bytes of one read, for the reply that the client waits for. Bytes kept from an
    /// earlier read come first.
    fn cut(&mut self, bytes: &[u8]) -> Cut;

    /// The port for the data that the server's last reply named; `None` if the protocol has one channel only.
    fn data_port(&self) -> Option<u16> {
        None
    }
}

/// The result of parsing one read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// The messages; the last may be a fragment.
    pub pieces: Vec<Piece<Reply>>,
    /// The bytes of that fragment; empty if there is none.
    pub rest: Vec<u8>,
    /// Bytes to send next for a command of several steps, before its reply counts.
    pub more: Vec<u8>,
    /// Text for the user in these bytes.
    pub text: String,
}

/// A protocol on the wire.
pub trait Codec: Send + Sync {
    /// The server's side of a new connection.
    fn server(&self, canaries: &Canaries) -> Box<dyn ServerSide>;

    /// The client's side of a new connection.
    fn client(&self) -> Box<dyn ClientSide>;

    /// The same for a server that is not a persona: the meaning of a reply is decided by the request,
    /// not by its words.
    fn client_of_any_server(&self) -> Box<dyn ClientSide> {
        self.client()
    }

    /// A text of a vector as bytes: `\n` stands for the protocol's line end.
    fn bytes(&self, text: &str) -> Vec<u8>;

    /// Whether the built-in client has data of its own to deliver. If not, it fetches the server's
    /// data.
    fn carries_body(&self) -> bool {
        true
    }

    /// The verbs of the protocol by which runs are compared.
    fn verbs(&self) -> Verbs;

    /// The word of a client's message, without the parts that differ from run to run: its verb, and the
    /// mechanism that it names. `goes_on`: it may be data of the previous command.
    fn word(&self, said: &[u8], goes_on: bool) -> String {
        words::plain(said, goes_on, &self.verbs())
    }

    /// Whether a client gives up instead of answering a challenge: it cancels the login, or says
    /// goodbye.
    fn gives_up(&self, said: &[u8]) -> bool {
        said.starts_with(b"*") || self.verbs().goodbye.contains(&&*self.word(said, false))
    }

    /// Whether data may follow a command before its answer, since their size was announced.
    fn announces_data(&self, word: &str) -> bool {
        self.verbs().announcing.contains(&word)
    }

    /// Whether a client may send any command inside TLS before the previous one is answered.
    fn lets_commands_run_ahead(&self) -> bool {
        false
    }
}
