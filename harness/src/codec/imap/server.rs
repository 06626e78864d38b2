//! The server's side of IMAP.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use upward_model::message::{Command, Mechanism, Reply};
use upward_model::protocol::{IMAP, TAG};

use super::mailbox;
use super::tags::Tags;
use crate::canary::{Canaries, Challenge};
use crate::codec::sasl;
use crate::codec::weaker::LURE;
use crate::codec::{Answered, Heard, Lesson, Part, ServerSide, lines};

/// A literal longer than this many bytes is processed in parts, before its end.
const LARGE: usize = 256 * 1024;

/// How the next bytes of the client are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// A command.
    Command,
    /// An answer to a challenge of a login.
    Login,
    /// So many bytes of a literal of this command (RFC 9051 section 4.3).
    Literal(usize, Command),
    /// The rest of a command after its literal.
    Rest(Command),
    /// The end of an `IDLE` (RFC 2177).
    Idle,
}

pub(super) struct ImapServer {
    mode: Mode,
    login: sasl::Login,
    tags: Tags,
    /// Whether the client has cancelled a login, and the error reply is due.
    cancelled: bool,
    /// The verb of the command to be answered, in capitals and without `UID`.
    verb: String,
    /// Its arguments.
    arguments: String,
    by_uid: bool,
}

impl ImapServer {
    pub(super) fn new(canaries: &Canaries) -> Self {
        Self {
            mode: Mode::Command,
            login: sasl::Login::new(canaries),
            tags: Tags::default(),
            cancelled: false,
            verb: String::new(),
            arguments: String::new(),
            by_uid: false,
        }
    }

    fn command(&mut self, line: &[u8], length: usize) -> Heard {
        let unknown = Heard { length, command: None, allowed: false, part: Part::Whole };
        let Some((tag, rest)) = split(line).filter(|(tag, _)| is_tag(tag)) else {
            // Not a command, but it may answer an attacker's challenge.
            let answer = self.login.is_answer(line, &self.challenges());
            return Heard { command: answer.then_some(Command::Credential), ..unknown };
        };
        self.tags.used(tag);
        let text = String::from_utf8_lossy(rest).into_owned();
        let (verb, arguments) = lines::verb(&text);
        self.by_uid = verb.eq_ignore_ascii_case("UID");
        let (verb, arguments) = match self.by_uid {
            true => lines::verb(arguments),
            false => (verb, arguments),
        };
        self.verb = verb.to_uppercase();
        arguments.clone_into(&mut self.arguments);
        let bare = arguments.trim_end().is_empty();
        let (command, allowed) = match &*self.verb {
            "CAPABILITY" => (Command::Hello, bare),
            "STARTTLS" => (Command::Upgrade, bare),
            "NOOP" => (Command::Noop, bare),
            "LOGOUT" => (Command::Goodbye, bare),
            // Allowed in any state (RFC 2971 section 3.1); it only names a program.
            "ID" => (Command::Noop, true),
            "ENABLE" | "NAMESPACE" => (Command::Noop, false),
            "LOGIN" => (Command::Login(Mechanism::Own), false),
            "AUTHENTICATE" => (self.authenticate(rest), false),
            "IDLE" => {
                self.mode = Mode::Idle;
                let part = Part::Step(Reply::Challenge);
                return Heard { length, command: Some(Command::Deliver), allowed: false, part };
            }
            verb if MAILBOX.contains(&verb) => (Command::Deliver, false),
            _ => return unknown,
        };
        let part = self.literal(line, command).unwrap_or(Part::Whole);
        Heard { length, command: Some(command), allowed: allowed && part == Part::Whole, part }
    }

    fn authenticate(&mut self, rest: &[u8]) -> Command {
        let mut words = lines::words(rest).skip(1);
        let name = lines::upper(words.next().unwrap_or_default());
        let initial = words.next().map(sasl::decode);
        let mechanism = if name == LURE { Mechanism::Lure } else { Mechanism::Own };
        if self.login.begin(&name, initial.as_deref()) {
            return Command::Login(mechanism);
        }
        self.mode = Mode::Login;
        Command::Begin(mechanism)
    }

    /// The answer to a line that announces a literal; `None` if the line announces none.
    fn literal(&mut self, line: &[u8], command: Command) -> Option<Part> {
        let inner = line.strip_suffix(b"}")?;
        let open = inner.iter().rposition(|&byte| byte == b'{')?;
        let digits = &inner[open + 1..];
        // A non-synchronizing literal: the client does not wait for a reply (RFC 7888).
        let (digits, waits) = match digits.strip_suffix(b"+").or(digits.strip_suffix(b"-")) {
            Some(digits) => (digits, false),
            None => (digits, true),
        };
        let length: usize = std::str::from_utf8(digits).ok()?.parse().ok()?;
        self.mode = match length {
            0 => Mode::Rest(command),
            length => Mode::Literal(length, command),
        };
        Some(if waits { Part::Step(Reply::Challenge) } else { Part::Silent })
    }
}

/// The first word of a line, and the text after the following space.
fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = line.trim_ascii_start();
    let at = line.iter().position(|&byte| byte == b' ')?;
    Some((&line[..at], &line[at + 1..]))
}

/// Whether a word can be a tag: printable, without the characters that RFC 9051 section 9 excludes.
pub(super) fn is_tag(word: &[u8]) -> bool {
    !word.is_empty()
        && word.len() <= 64
        && word.iter().all(|byte| byte.is_ascii_graphic() && !b"(){%*\"\\+".contains(byte))
}

impl ServerSide for ImapServer {
    fn cut(&mut self, bytes: &[u8]) -> Option<Heard> {
        match self.mode {
            Mode::Command => {
                let (line, length) = lines::first(bytes)?;
                Some(self.command(line, length))
            }
            Mode::Login => {
                let (line, length) = lines::first(bytes)?;
                self.mode = Mode::Command;
                let mut heard = Heard {
                    length,
                    command: Some(Command::Credential),
                    allowed: false,
                    part: Part::Whole,
                };
                if line == b"*" {
                    self.cancelled = true;
                    heard.command = Some(Command::Noop);
                } else if self.login.answer(&sasl::decode(line)) {
                    heard.part = Part::Step(Reply::Challenge);
                    self.mode = Mode::Login;
                }
                Some(heard)
            }
            Mode::Literal(left, command) => {
                // A long literal is processed in parts.
                let length = if bytes.len() >= left { left } else { bytes.len() };
                if length < left && length <= LARGE {
                    return None;
                }
                self.mode = match left - length {
                    0 => Mode::Rest(command),
                    left => Mode::Literal(left, command),
                };
                let command = Some(command);
                Some(Heard { length, command, allowed: false, part: Part::Silent })
            }
            Mode::Rest(command) => {
                let (line, length) = lines::first(bytes)?;
                self.mode = Mode::Command;
                let part = self.literal(line, command).unwrap_or(Part::Whole);
                Some(Heard { length, command: Some(command), allowed: false, part })
            }
            Mode::Idle => {
                let (_, length) = lines::first(bytes)?;
                self.mode = Mode::Command;
                let command = Some(Command::Deliver);
                Some(Heard { length, command, allowed: false, part: Part::Whole })
            }
        }
    }

    fn say(&mut self, reply: Reply, _: bool) -> Vec<u8> {
        let text = match (reply, self.mode) {
            (Reply::Challenge, Mode::Literal(..) | Mode::Rest(_)) => "+ go ahead".to_owned(),
            (Reply::Challenge, Mode::Idle) => "+ idling".to_owned(),
            (Reply::Challenge, _) => format!("+ {}", STANDARD.encode(self.login.prompt())),
            (Reply::Done, _) if self.cancelled => format!("{TAG} BAD login cancelled"),
            (Reply::Done, _) => {
                let data = mailbox::data(&self.verb, &self.arguments, self.by_uid);
                format!("{data}{TAG} OK {}done", mailbox::code(&self.verb))
            }
            (Reply::Bye, _) if self.verb == "LOGOUT" => {
                format!("{}\r\n{TAG} OK LOGOUT completed", IMAP.text(reply))
            }
            (other, _) => {
                if matches!(other, Reply::Refuse) {
                    self.mode = Mode::Command;
                }
                IMAP.text(other).replace('\n', "\r\n")
            }
        };
        self.cancelled = false;
        let tag = String::from_utf8_lossy(self.tags.last()).into_owned();
        format!("{}\r\n", text.replace(TAG, &tag)).into_bytes()
    }

    fn at_boundary(&self) -> bool {
        self.mode == Mode::Command
    }

    fn challenges(&self) -> Vec<Challenge> {
        // The challenge in the descriptor is the attacker's.
        let forged = sasl::forged(IMAP.text(Reply::Challenge), "+ ");
        self.login.given().iter().cloned().chain(forged).collect()
    }

    fn reset(&mut self) {
        self.mode = Mode::Command;
        self.cancelled = false;
    }

    fn fill(&mut self, text: &str, answered: Answered) -> String {
        let mut filled = String::new();
        for (index, part) in text.split(TAG).enumerate() {
            if index > 0 {
                let tag = match answered {
                    Answered::Last => self.tags.last().to_vec(),
                    Answered::Next => self.tags.next(),
                };
                filled.push_str(&String::from_utf8_lossy(&tag));
            }
            filled.push_str(part);
        }
        filled
    }

    fn lesson(&self) -> Lesson {
        self.tags.lesson()
    }

    fn learn(&mut self, lesson: &Lesson) {
        self.tags.learn(lesson);
    }
}

/// The commands of a logged-in session (RFC 9051 sections 6.3 and 6.4, and extensions that clients
/// use): they request, or carry, the data to be protected.
const MAILBOX: &[&str] = &[
    "APPEND",
    "CHECK",
    "CLOSE",
    "COPY",
    "CREATE",
    "DELETE",
    "EXAMINE",
    "EXPUNGE",
    "FETCH",
    "LIST",
    "LSUB",
    "MOVE",
    "RENAME",
    "SEARCH",
    "SELECT",
    "SORT",
    "STATUS",
    "STORE",
    "SUBSCRIBE",
    "THREAD",
    "UNSELECT",
    "UNSUBSCRIBE",
    "XLIST",
    "GETQUOTA",
    "GETQUOTAROOT",
];
