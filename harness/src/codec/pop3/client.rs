//! The client's side of POP3.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use upward_model::message::{Command, Mechanism, Piece, Reply};
use upward_model::protocol::POP3;

use crate::canary::Canaries;
use crate::codec::weaker::{self, Weaker};
use crate::codec::{Asked, ClientSide, Cut, lines};

#[derive(Default)]
pub(super) struct Pop3Client {
    /// The last challenge received, decoded.
    challenge: Vec<u8>,
    weaker: Weaker,
    /// The last request, which decides what a reply means; `None` with a persona, whose replies are
    /// known by their words, since an attacker's reply may belong to another request.
    asked: Option<Asked>,
}

impl ClientSide for Pop3Client {
    fn say(&mut self, command: Command, canaries: &Canaries) -> Vec<u8> {
        self.asked = self.asked.map(|_| Asked::Command(command));
        if command != Command::Credential {
            self.weaker.forget();
        }
        let line = match command {
            Command::Hello => "CAPA".to_owned(),
            Command::Upgrade => "STLS".to_owned(),
            Command::Begin(mechanism) => self.weaker.auth_begins(mechanism),
            Command::Login(mechanism) => self.weaker.auth_in_one(mechanism, canaries),
            Command::Credential => self.weaker.credential(canaries, &self.challenge),
            Command::Deliver => "RETR 1".to_owned(),
            Command::Protect | Command::Noop => "NOOP".to_owned(),
            Command::Goodbye => "QUIT".to_owned(),
        };
        format!("{line}\r\n").into_bytes()
    }

    fn cut(&mut self, bytes: &[u8]) -> Cut {
        let mut cut = Cut::default();
        let mut rest = bytes;
        // A list that is not complete yet, and its beginning.
        let mut open: Option<(List, &[u8])> = None;
        while let Some((line, length)) = lines::first(rest) {
            let start = rest;
            rest = &rest[length..];
            cut.text.push_str(&String::from_utf8_lossy(line));
            cut.text.push('\n');
            open = match open {
                Some((list, _)) if line == b"." => {
                    if let Some(name) = list.weaker() {
                        self.weaker.is_named(name);
                    }
                    cut.pieces.push(Piece::Whole(list.reply()));
                    None
                }
                Some((list, start)) => Some((list.with(line), start)),
                None => match self.list(line) {
                    Some(list) => Some((list, start)),
                    None => {
                        let reply = self.one_line(line);
                        let asked = reply == Reply::Challenge;
                        match self.weaker.answer().filter(|_| asked) {
                            Some(answer) => cut.more.extend(format!("{answer}\r\n").into_bytes()),
                            None => cut.pieces.push(Piece::Whole(reply)),
                        }
                        None
                    }
                },
            };
        }
        match open {
            Some((list, start)) => {
                // If the last line has begun, only its line end is missing.
                cut.pieces.push(match rest {
                    b"." => Piece::Line(list.reply()),
                    rest => Piece::Block(list.with(rest).reply()),
                });
                cut.rest = start.to_vec();
            }
            None if !rest.is_empty() => {
                let list = self.list(rest).map(List::reply);
                cut.pieces.push(Piece::Line(list.unwrap_or_else(|| self.one_line(rest))));
                cut.rest = rest.to_vec();
            }
            None => {}
        }
        cut
    }
}

impl Pop3Client {
    pub(super) fn of_any_server() -> Self {
        Self { asked: Some(Asked::Connection), ..Self::default() }
    }

    /// The list that a line begins.
    fn list(&self, line: &[u8]) -> Option<List> {
        let lists = self.asked == Some(Asked::Command(Command::Hello)) && line.starts_with(b"+OK");
        if lists { Some(List::CAPABILITIES) } else { List::begins(line) }
    }

    /// The meaning of a one-line reply. Positive replies differ only in their words.
    fn one_line(&mut self, line: &[u8]) -> Reply {
        // An empty challenge is a plus and a space (RFC 5034 section 4); some servers omit the space.
        if line == b"+" || line.starts_with(b"+ ") {
            self.challenge = STANDARD.decode(line.get(2..).unwrap_or_default()).unwrap_or_default();
            return Reply::Challenge;
        }
        let text = String::from_utf8_lossy(line);
        if text.starts_with("-ERR") {
            return Reply::Refuse;
        }
        let Some(words) = text.strip_prefix("+OK") else {
            // A status that RFC 1939 section 3 does not define.
            let words = text.strip_prefix('+').unwrap_or(&text);
            let status = words.split(' ').next().unwrap_or_default();
            let known = text.starts_with('+') || status == "OK";
            return if known { Reply::Unknown } else { Reply::Garbled };
        };
        if words.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return Reply::Unknown;
        }
        if POP3.wordings(Reply::Notice).any(|notice| text.starts_with(notice.text)) {
            return Reply::Notice;
        }
        match self.asked {
            Some(Asked::Connection) => return Reply::Greeting,
            Some(Asked::Command(Command::Upgrade)) => return Reply::Accept,
            _ => {}
        }
        let words = without_code(words.trim_start());
        let known = [
            ("POP3", Reply::Greeting),
            ("Begin TLS", Reply::Accept),
            ("Logged in", Reply::LoggedIn),
            ("Bye", Reply::Bye),
        ];
        let known = known.into_iter().find(|(start, _)| words.starts_with(start));
        known.map_or(Reply::Done, |(_, reply)| reply)
    }
}

/// A text without the response code before it (RFC 2449 section 8).
fn without_code(text: &str) -> &str {
    let behind = text.strip_prefix('[').and_then(|text| text.split_once("] "));
    behind.map_or(text, |(_, text)| text)
}

/// A multi-line reply, as far as it was received.
#[derive(Clone, Copy)]
enum List {
    /// The capabilities.
    Capabilities { upgrade: bool, weaker: Option<&'static str>, login: bool, lines: usize },
    /// Any other list.
    Other,
}

impl List {
    /// The capabilities, before the first.
    const CAPABILITIES: Self =
        Self::Capabilities { upgrade: false, weaker: None, login: false, lines: 0 };

    /// The kind of list that a line begins, by its words.
    fn begins(line: &[u8]) -> Option<Self> {
        let words = line.strip_prefix(b"+OK ")?;
        match words {
            b"Capability list follows" => Some(Self::CAPABILITIES),
            words => words.ends_with(b" follows").then_some(Self::Other),
        }
    }

    /// The same list with one more line.
    fn with(self, line: &[u8]) -> Self {
        let Self::Capabilities { upgrade, weaker, login, lines } = self else { return self };
        let text = lines::upper(line);
        Self::Capabilities {
            upgrade: upgrade || text == "STLS",
            weaker: match text.strip_prefix("SASL ") {
                Some(names) => weaker::alone(names.split(' ')),
                None => weaker,
            },
            login: login || text == "USER" || text.starts_with("SASL "),
            lines: lines + 1,
        }
    }

    /// The weaker mechanism, if the capabilities name no other.
    const fn weaker(self) -> Option<&'static str> {
        match self {
            Self::Capabilities { weaker, .. } => weaker,
            Self::Other => None,
        }
    }

    const fn reply(self) -> Reply {
        match self {
            // An honest server without logins. An empty list does not mean that.
            Self::Capabilities { upgrade: false, login: false, lines: 1.., .. } => Reply::Bare,
            Self::Capabilities { upgrade, weaker, .. } => {
                let mechanism = if weaker.is_some() { Mechanism::Lure } else { Mechanism::Own };
                Reply::Capabilities { upgrade, mechanism }
            }
            Self::Other => Reply::Done,
        }
    }
}
