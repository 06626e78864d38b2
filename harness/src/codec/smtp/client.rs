//! The client's side of SMTP.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use upward_model::message::{Command, Mechanism, Piece, Reply};
use upward_model::protocol::SMTP;

use crate::canary::Canaries;
use crate::codec::weaker::{self, Weaker};
use crate::codec::{Asked, ClientSide, Cut, lines};

/// The client of one connection.
#[derive(Default)]
pub(super) struct SmtpClient {
    /// The remaining steps of a delivery, in reverse order; each is sent after a positive reply.
    steps: Vec<Vec<u8>>,
    /// The last challenge received, decoded.
    challenge: Vec<u8>,
    weaker: Weaker,
    /// The last request, which decides what a reply means; `None` with a persona, whose replies are
    /// known by their words, since an attacker's reply may belong to another request.
    asked: Option<Asked>,
}

impl SmtpClient {
    pub(super) fn of_any_server() -> Self {
        Self { asked: Some(Asked::Connection), ..Self::default() }
    }
}

impl ClientSide for SmtpClient {
    fn introduce(&mut self, name: &str) -> Vec<u8> {
        self.steps.clear();
        self.asked = self.asked.map(|_| Asked::Command(Command::Hello));
        format!("EHLO {name}\r\n").into_bytes()
    }

    fn say(&mut self, command: Command, canaries: &Canaries) -> Vec<u8> {
        self.asked = self.asked.map(|_| Asked::Command(command));
        if command != Command::Credential {
            self.weaker.forget();
        }
        self.steps.clear();
        let line = match command {
            Command::Hello => return self.introduce("client.example"),
            Command::Upgrade => "STARTTLS".to_owned(),
            Command::Begin(mechanism) => self.weaker.auth_begins(mechanism),
            Command::Login(mechanism) => self.weaker.auth_in_one(mechanism, canaries),
            Command::Credential => self.weaker.credential(canaries, &self.challenge),
            Command::Protect | Command::Noop => "NOOP".to_owned(),
            Command::Deliver => {
                // In reverse order: the last step is taken first.
                self.steps = vec![
                    format!("Subject: upward\r\n\r\n{}\r\n.\r\n", canaries.body).into_bytes(),
                    b"DATA\r\n".to_vec(),
                    b"RCPT TO:<b@example.org>\r\n".to_vec(),
                ];
                "MAIL FROM:<a@example.org>".to_owned()
            }
            Command::Goodbye => "QUIT".to_owned(),
        };
        format!("{line}\r\n").into_bytes()
    }

    fn cut(&mut self, bytes: &[u8]) -> Cut {
        let mut cut = Cut::default();
        let mut rest = bytes;
        // The beginning of a multi-line reply that is not complete yet.
        let mut open: Option<&[u8]> = None;
        let mut offers = Offers::default();
        while let Some((line, length)) = lines::first(rest) {
            let start = open.unwrap_or(rest);
            rest = &rest[length..];
            offers.read(line);
            cut.text.push_str(&String::from_utf8_lossy(line));
            cut.text.push('\n');
            if open.is_none() && is_notice(line) {
                offers = Offers::default();
                cut.pieces.push(Piece::Whole(Reply::Notice));
                continue;
            }
            if line.get(3) == Some(&b'-') && code(line).is_some() {
                open = Some(start);
                continue;
            }
            open = None;
            if let Some(name) = offers.weaker {
                self.weaker.is_named(name);
            }
            let reply = match std::mem::take(&mut offers).reply(line) {
                Reply::Garbled if line.starts_with(b"354") && !self.steps.is_empty() => Reply::Done,
                reply => reply,
            };
            let reply = match (self.asked, reply) {
                (Some(Asked::Connection), Reply::Accept) => Reply::Greeting,
                (Some(Asked::Command(Command::Upgrade)), Reply::Greeting) => Reply::Accept,
                // The server has no extensions.
                (Some(Asked::Command(Command::Hello)), Reply::Done) => Reply::offer(false),
                (_, reply) => reply,
            };
            if reply == Reply::Challenge {
                let text = line.get(4..).unwrap_or_default();
                self.challenge = STANDARD.decode(text).unwrap_or_default();
                if let Some(answer) = self.weaker.answer() {
                    cut.more.extend(format!("{answer}\r\n").into_bytes());
                    continue;
                }
            }
            // This reply answers a step of a delivery: send the next step, and drop the reply.
            match self.steps.pop() {
                Some(step) if matches!(reply, Reply::Done) => cut.more.extend(step),
                _ => {
                    self.steps.clear();
                    cut.pieces.push(Piece::Whole(reply));
                }
            }
        }
        let start = open.unwrap_or(rest);
        if !start.is_empty() {
            if !rest.is_empty() {
                offers.read(rest);
            }
            let reply = offers.reply(if rest.is_empty() { start } else { rest });
            // If the last line has begun, only its line end is missing.
            let block = open.is_some() && rest.get(3) != Some(&b' ');
            cut.pieces.push(if block { Piece::Block(reply) } else { Piece::Line(reply) });
            cut.rest = start.to_vec();
        }
        cut
    }
}

/// Whether a line is a notice to the user before a reply.
fn is_notice(line: &[u8]) -> bool {
    SMTP.wordings(Reply::Notice).any(|wording| line.starts_with(wording.text.as_bytes()))
}

/// Whether a reply is a greeting: the protocol's name follows the host (RFC 5321 section 4.3.1).
fn names_esmtp(line: &[u8]) -> bool {
    let text = lines::upper(line);
    text.split(' ').nth(2).is_some_and(|word| word.starts_with("ESMTP"))
}

/// The offers in a multi-line reply.
#[derive(Default)]
struct Offers {
    upgrade: bool,
    login: bool,
    /// The weaker mechanism, if the list names no other.
    weaker: Option<&'static str>,
    lines: usize,
    listed: bool,
    /// The code of the lines so far.
    code: Option<[u8; 3]>,
    /// Whether the lines have different codes.
    mixed: bool,
}

impl Offers {
    fn read(&mut self, line: &[u8]) {
        self.lines += 1;
        let text = lines::upper(line.get(4..).unwrap_or_default());
        let code = code(line);
        self.mixed |= self.lines > 1 && code != self.code;
        self.code = code;
        self.upgrade |= text == "STARTTLS";
        self.login |= text.starts_with("AUTH ");
        if let Some(names) = text.strip_prefix("AUTH ") {
            self.weaker = weaker::alone(names.split(' '));
        }
        self.listed |= text.starts_with("AUTH ") || text == "LOCALHOST";
    }

    /// The meaning of a reply, given its last line.
    fn reply(self, last: &[u8]) -> Reply {
        let mechanism = if self.weaker.is_some() { Mechanism::Lure } else { Mechanism::Own };
        let code = self.code.filter(|_| !self.mixed);
        match code.as_ref().and_then(|code| std::str::from_utf8(code).ok()) {
            // An honest server without logins.
            Some("250") if self.lines > 1 && !self.upgrade && !self.login => Reply::Bare,
            // A one-line reply in place of a list offers nothing.
            Some("250") if self.lines > 1 || self.listed => {
                Reply::Capabilities { upgrade: self.upgrade, mechanism }
            }
            Some("250") => Reply::Done,
            Some("220") if names_esmtp(last) => Reply::Greeting,
            Some("220") => Reply::Accept,
            Some("221") => Reply::Bye,
            Some("235") => Reply::LoggedIn,
            Some("334") => Reply::Challenge,
            Some("551") => Reply::Redirect,
            Some(code) if code.starts_with(['4', '5']) => Reply::Refuse,
            Some(code) if code.starts_with(['2', '3']) => Reply::Garbled,
            Some(_) => Reply::Unknown,
            None if last.first().is_some_and(u8::is_ascii_digit) => Reply::Unknown,
            None => Reply::Garbled,
        }
    }
}

/// The code of a line: three digits, followed by a space, a hyphen or nothing (RFC 5321 section 4.2).
fn code(line: &[u8]) -> Option<[u8; 3]> {
    let code: [u8; 3] = line.get(..3)?.try_into().ok()?;
    let ends = matches!(line.get(3), None | Some(b' ' | b'-'));
    (ends && code.iter().all(u8::is_ascii_digit)).then_some(code)
}
