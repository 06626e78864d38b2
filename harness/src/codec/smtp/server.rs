//! The server's side of SMTP.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use upward_model::message::{Command, Mechanism, Reply};
use upward_model::protocol::SMTP;

use crate::canary::{Canaries, Challenge};
use crate::codec::sasl;
use crate::codec::weaker::LURE;
use crate::codec::{Heard, Part, ServerSide, lines};

/// A message longer than this many bytes is processed in parts, before its end.
const LARGE: usize = 256 * 1024;

/// How the next line of the client is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// A command.
    Command,
    /// An answer to a challenge of a login.
    Login,
    /// Message data, up to a line with a single dot; the flag: a line begins here.
    Data(bool),
    /// So many bytes of message data (RFC 3030); the flag: they are the last.
    Chunk(usize, bool),
}

pub(super) struct SmtpServer {
    mode: Mode,
    login: sasl::Login,
    /// Whether the client has cancelled a login, and the error reply is due.
    cancelled: bool,
    /// Whether `DATA` was received, and its positive reply is due.
    data_due: bool,
    /// Whether the client introduced itself with HELO, which is answered with one line.
    plain_hello: bool,
}

impl SmtpServer {
    pub(super) fn new(canaries: &Canaries) -> Self {
        Self {
            mode: Mode::Command,
            login: sasl::Login::new(canaries),
            cancelled: false,
            data_due: false,
            plain_hello: false,
        }
    }

    fn command(&mut self, line: &[u8], length: usize) -> Heard {
        let text = lines::upper(line);
        let (verb, argument) = lines::verb(&text);
        let heard = |command: Command, allowed: bool, part: Part| Heard {
            length,
            command: Some(command),
            allowed,
            part,
        };
        match verb {
            "EHLO" | "HELO" | "LHLO" => {
                self.plain_hello = verb == "HELO";
                heard(Command::Hello, true, Part::Whole)
            }
            "STARTTLS" => heard(Command::Upgrade, argument.is_empty(), Part::Whole),
            "AUTH" => Heard {
                length,
                allowed: false,
                part: Part::Whole,
                command: Some(self.auth(argument, line)),
            },
            "MAIL" | "RCPT" => heard(Command::Deliver, false, Part::Step(Reply::Done)),
            "DATA" => {
                self.data_due = true;
                heard(Command::Deliver, false, Part::Step(Reply::Done))
            }
            "BDAT" => {
                let mut words = argument.split(' ');
                let size: usize = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
                let last = words.next() == Some("LAST");
                match (size, last) {
                    (0, true) => heard(Command::Deliver, false, Part::Whole),
                    (0, false) => heard(Command::Deliver, false, Part::Step(Reply::Done)),
                    // The chunk follows at once; the reply comes after it.
                    (size, last) => {
                        self.mode = Mode::Chunk(size, last);
                        heard(Command::Deliver, false, Part::Silent)
                    }
                }
            }
            "QUIT" => heard(Command::Goodbye, argument.is_empty(), Part::Whole),
            // Allowed at any time (RFC 5321 section 4.1.4), and without information.
            "NOOP" | "RSET" | "HELP" => heard(Command::Noop, argument.is_empty(), Part::Whole),
            "VRFY" | "EXPN" => heard(Command::Noop, false, Part::Whole),
            // Not a command, but it may answer an attacker's challenge.
            _ => {
                let answer = self.login.is_answer(line, &self.challenges());
                let command = answer.then_some(Command::Credential);
                Heard { length, command, allowed: false, part: Part::Whole }
            }
        }
    }

    fn auth(&mut self, argument: &str, line: &[u8]) -> Command {
        let (name, _) = lines::verb(argument);
        // The initial response in its original case.
        let initial = lines::words(line).nth(2).map(sasl::decode);
        let mechanism = if name == LURE { Mechanism::Lure } else { Mechanism::Own };
        if self.login.begin(name, initial.as_deref()) {
            return Command::Login(mechanism);
        }
        self.mode = Mode::Login;
        Command::Begin(mechanism)
    }

    fn end_of_data(bytes: &[u8], begins: bool) -> Option<usize> {
        if begins && bytes.starts_with(b".\r\n") {
            return Some(3);
        }
        if begins && bytes.starts_with(b".\n") {
            return Some(2);
        }
        let find = |needle: &[u8]| {
            bytes
                .windows(needle.len())
                .position(|window| window == needle)
                .map(|at| at + needle.len())
        };
        match (find(b"\n.\r\n"), find(b"\n.\n")) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }
}

impl ServerSide for SmtpServer {
    fn cut(&mut self, bytes: &[u8]) -> Option<Heard> {
        let deliver = |length| Heard {
            length,
            command: Some(Command::Deliver),
            allowed: false,
            part: Part::Whole,
        };
        match self.mode {
            Mode::Command => {
                let (line, length) = lines::first(bytes)?;
                Some(self.command(line, length))
            }
            Mode::Login => {
                let (line, length) = lines::first(bytes)?;
                self.mode = Mode::Command;
                if line == b"*" {
                    self.cancelled = true;
                    return Some(Heard { command: Some(Command::Noop), ..deliver(length) });
                }
                let mut part = Part::Whole;
                if self.login.answer(&sasl::decode(line)) {
                    part = Part::Step(Reply::Challenge);
                    self.mode = Mode::Login;
                }
                Some(Heard { command: Some(Command::Credential), part, ..deliver(length) })
            }
            Mode::Data(begins) => {
                match Self::end_of_data(bytes, begins) {
                    Some(length) => {
                        self.mode = Mode::Command;
                        Some(deliver(length))
                    }
                    // A long message is processed in parts; the last octets may be the beginning of its
                    // end.
                    None if bytes.len() > LARGE => {
                        let length = bytes.len() - 5;
                        self.mode = Mode::Data(bytes[length - 1] == b'\n');
                        Some(Heard { part: Part::Silent, ..deliver(length) })
                    }
                    None => None,
                }
            }
            Mode::Chunk(size, last) => {
                if bytes.len() < size && bytes.len() > LARGE {
                    self.mode = Mode::Chunk(size - bytes.len(), last);
                    return Some(Heard { part: Part::Silent, ..deliver(bytes.len()) });
                }
                if bytes.len() < size {
                    return None;
                }
                self.mode = Mode::Command;
                let part = if last { Part::Whole } else { Part::Step(Reply::Done) };
                Some(Heard { part, ..deliver(size) })
            }
        }
    }

    fn say(&mut self, reply: Reply, _: bool) -> Vec<u8> {
        let text = match reply {
            Reply::Done if self.data_due => {
                self.mode = Mode::Data(true);
                "354 End data with <CR><LF>.<CR><LF>".to_owned()
            }
            Reply::Capabilities { .. } if self.plain_hello => "250 localhost".to_owned(),
            Reply::Challenge => format!("334 {}", STANDARD.encode(self.login.prompt())),
            // RFC 4954 section 4.
            Reply::Done if self.cancelled => "501 5.7.0 Authentication cancelled".to_owned(),
            other => {
                if matches!(other, Reply::Refuse) {
                    self.mode = Mode::Command;
                }
                SMTP.text(other).replace('\n', "\r\n")
            }
        };
        self.data_due = false;
        self.cancelled = false;
        format!("{text}\r\n").into_bytes()
    }

    fn asks_for_capabilities(&self) -> bool {
        !self.plain_hello
    }

    fn at_boundary(&self) -> bool {
        self.mode == Mode::Command
    }

    fn challenges(&self) -> Vec<Challenge> {
        // The challenge in the descriptor is the attacker's.
        let forged = sasl::forged(SMTP.text(Reply::Challenge), "334 ");
        self.login.given().iter().cloned().chain(forged).collect()
    }

    fn reset(&mut self) {
        self.mode = Mode::Command;
        self.data_due = false;
        self.cancelled = false;
    }
}
