//! Codecs: what a protocol's messages look like on the wire.
//!
//! The model knows what a message means; a codec knows its bytes. One file a protocol. It serves
//! three parties: the persona (cut what the client said, put a reply into words), the judge (may
//! this be said in clear?) and the reference client (put a command into words, cut what the server
//! said).

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

/// A message of the client, cut from its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// How many bytes it takes up.
    pub length: usize,
    /// What it means; `None` if it is not of the protocol.
    pub command: Option<Command>,
    /// Whether a client whose policy needs TLS may say it in clear.
    pub allowed: bool,
    /// Which part of a command it is: the model knows one delivery, the wire several steps.
    pub part: Part,
}

/// Which part of a command a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// All of it, or its end: the model's server answers.
    Whole,
    /// A step, which has this answer.
    Step(Reply),
    /// A step that has no answer.
    Silent,
}

/// The server's side of a connection: cuts what the client says, and puts replies into words.
pub trait ServerSide: Send {
    /// Cuts the next message from the bytes that have come; `None` if it is not complete.
    fn cut(&mut self, bytes: &[u8]) -> Option<Heard>;

    /// Cuts a message that is not complete, since nothing more will come. Only that many of its bytes are
    /// there.
    fn cut_last(&mut self, bytes: &[u8]) -> Option<Heard> {
        let heard = self.cut(&[bytes, b"\r\n"].concat())?;
        let length = heard.length.min(bytes.len());
        Some(Heard { length, part: Part::Silent, ..heard })
    }

    /// Whether a message may end with these bytes, so that TLS may begin behind them.
    fn may_end(&self, bytes: &[u8]) -> bool {
        bytes.ends_with(b"\n")
    }

    /// Puts a reply into words, as the answer to what was cut last. `inside` is whether it is said
    /// inside TLS.
    fn say(&mut self, reply: Reply, inside: bool) -> Vec<u8>;

    /// Whether an introduction that was cut last asks for the capabilities.
    fn asks_for_capabilities(&self) -> bool {
        true
    }

    /// Whether the bytes end between two messages, where TLS could begin.
    fn at_boundary(&self) -> bool;

    /// The challenges that were given so far.
    fn challenges(&self) -> Vec<Challenge>;

    /// TLS has begun, or ended: what was said before counts for nothing.
    fn reset(&mut self);

    /// Fills in what a text of a vector leaves open, since only the client knows it: `{tag}`, the
    /// tag of the command that is answered (RFC 9051 section 2.2.1).
    fn fill(&mut self, text: &str, answered: Answered) -> String {
        let _ = answered;
        text.to_owned()
    }

    /// What this connection has shown of the client's ways.
    fn lesson(&self) -> Lesson {
        Lesson::default()
    }

    /// Takes up what an honest run has shown of the client's ways.
    fn learn(&mut self, lesson: &Lesson) {
        let _ = lesson;
    }
}

/// Which command a forged reply answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answered {
    /// The one that was cut last.
    Last,
    /// One that has not been said yet: the next, and for each further reply the one after that.
    Next,
}

/// What an honest run shows of a client's ways, and an attacker can know beforehand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lesson {
    /// The tags of its commands on one connection, in order, as far as they are kept.
    pub tags: Vec<Vec<u8>>,
}

/// What a reply answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// That the client connected.
    Connection,
    /// A command.
    Command(Command),
}

/// The client's side of a connection: puts commands into words, and cuts what the server says.
pub trait ClientSide: Send {
    /// Puts a command into words. Commands of several steps are said one step at a time: what
    /// comes first is returned, and the rest goes out as the server asks for it.
    fn say(&mut self, command: Command, canaries: &Canaries) -> Vec<u8>;

    /// Introduces the client by this name, where the protocol has it say one.
    fn introduce(&mut self, name: &str) -> Vec<u8> {
        let _ = name;
        self.say(Command::Hello, &Canaries::new(0))
    }

    /// Cuts what the server said in one read, given what the client waits for. Bytes that are kept
    /// from an earlier read stand in front.
    fn cut(&mut self, bytes: &[u8]) -> Cut;
}

/// What one read of the server's words holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// The messages; the last may be a fragment.
    pub pieces: Vec<Piece<Reply>>,
    /// The bytes of that fragment; empty if there is none.
    pub rest: Vec<u8>,
    /// What has to be sent to go on with a command of several steps, before the reply counts.
    pub more: Vec<u8>,
    /// Text for the user that was in it.
    pub text: String,
}

/// A protocol on the wire.
pub trait Codec: Send + Sync {
    /// The server's side of a new connection.
    fn server(&self, canaries: &Canaries) -> Box<dyn ServerSide>;

    /// The client's side of a new connection.
    fn client(&self) -> Box<dyn ClientSide>;

    /// The same with a server that is no persona of ours: what its replies mean is known by what was asked,
    /// whatever their words are.
    fn client_of_any_server(&self) -> Box<dyn ClientSide> {
        self.client()
    }

    /// A text of a vector as bytes: `\n` stands for the protocol's line end.
    fn bytes(&self, text: &str) -> Vec<u8>;

    /// Whether the built-in client has data of its own to deliver; else it fetches what the server
    /// holds.
    fn carries_body(&self) -> bool {
        true
    }

    /// The verbs of the protocol by which runs are compared.
    fn verbs(&self) -> Verbs;

    /// What a client said, without what differs from run to run: its verb, and the mechanism that it names.
    /// `goes_on` is whether it may be data of the command before it.
    fn word(&self, said: &[u8], goes_on: bool) -> String {
        words::plain(said, goes_on, &self.verbs())
    }

    /// Whether a client gives up where an answer to a challenge should stand: it cancels the login, or takes
    /// leave.
    fn gives_up(&self, said: &[u8]) -> bool {
        said.starts_with(b"*") || self.verbs().goodbye.contains(&&*self.word(said, false))
    }

    /// Whether the data that follow a command may be sent before it is answered, since their size was said.
    fn announces_data(&self, word: &str) -> bool {
        self.verbs().announcing.contains(&word)
    }

    /// Whether a client may send any command inside TLS before the one before it is answered.
    fn lets_commands_run_ahead(&self) -> bool {
        false
    }
}
