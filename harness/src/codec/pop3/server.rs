//! The server's side of POP3.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use upward_model::message::{Command, Mechanism, Reply};
use upward_model::protocol::POP3;

use super::mailbox::{Inquiry, Mailbox};
use crate::canary::{Canaries, Challenge};
use crate::codec::weaker::LURE;
use crate::codec::{Heard, Part, ServerSide, lines, sasl};

/// The time stamp in the descriptor's greeting; the persona replaces it with one of the run.
const STAMP: &str = "<1.1@localhost>";

/// The last request, if its positive reply has its own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// Anything else.
    Other,
    /// The mechanisms, requested with a bare `AUTH` as before CAPA existed.
    Mechanisms,
    /// `USER`.
    User,
    /// `LAST` (RFC 1460).
    Last,
    /// A request about the mailbox.
    Mailbox(Inquiry),
    /// The cancellation of a login: `*` (RFC 5034 section 4).
    Cancel,
}

pub(super) struct Pop3Server {
    login: sasl::Login,
    mailbox: Mailbox,
    asked: Asked,
    /// Whether the next line is an answer to a challenge of a login.
    answers: bool,
}

impl Pop3Server {
    pub(super) fn new(canaries: &Canaries) -> Self {
        Self {
            login: sasl::Login::new(canaries),
            mailbox: Mailbox::new(canaries),
            asked: Asked::Other,
            answers: false,
        }
    }

    fn command(&mut self, line: &[u8], length: usize) -> Heard {
        let text = lines::upper(line);
        let (verb, argument) = lines::verb(&text);
        let bare = argument.is_empty();
        let heard = |command: Command, allowed: bool, part: Part| Heard {
            length,
            command: Some(command),
            allowed,
            part,
        };
        let login = Command::Login(Mechanism::Own);
        self.asked = Asked::Other;
        match verb {
            "CAPA" => heard(Command::Hello, bare, Part::Whole),
            "STLS" => heard(Command::Upgrade, bare, Part::Whole),
            "QUIT" => heard(Command::Goodbye, bare, Part::Whole),
            "NOOP" => heard(Command::Noop, bare, Part::Whole),
            "RSET" => heard(Command::Noop, bare, Part::Whole),
            "LAST" => {
                self.asked = Asked::Last;
                heard(Command::Noop, false, Part::Whole)
            }
            // A client that requests the mechanisms in the old way requests capabilities.
            "AUTH" if bare => {
                self.asked = Asked::Mechanisms;
                heard(Command::Noop, true, Part::Whole)
            }
            "AUTH" => {
                let command = self.auth(argument, line);
                heard(command, false, Part::Whole)
            }
            "USER" => {
                self.asked = Asked::User;
                heard(login, false, Part::Step(Reply::Done))
            }
            "PASS" | "APOP" => heard(login, false, Part::Whole),
            "STAT" | "LIST" | "UIDL" | "RETR" | "TOP" | "DELE" => {
                heard(Command::Deliver, false, self.inquire(verb, argument))
            }
            // Not a command, but it may answer an attacker's challenge.
            _ => {
                let answer = self.login.is_answer(line, &self.challenges());
                let command = answer.then_some(Command::Credential);
                Heard { length, command, allowed: false, part: Part::Whole }
            }
        }
    }

    /// The part of a delivery that a request is: the message itself is the delivery; requests about it
    /// are steps before it.
    fn inquire(&mut self, verb: &str, argument: &str) -> Part {
        let mut numbers = argument.split_ascii_whitespace().map(str::parse::<usize>);
        let first = numbers.next();
        let known = first == Some(Ok(1));
        let step = Part::Step(Reply::Done);
        let (inquiry, part) = match (verb, &first) {
            ("STAT", _) => (Inquiry::Size, step),
            ("LIST", None) => (Inquiry::Sizes, step),
            ("UIDL", None) => (Inquiry::Ids, step),
            ("LIST", _) if known => (Inquiry::OneSize, step),
            ("UIDL", _) if known => (Inquiry::OneId, step),
            ("RETR", _) if known => (Inquiry::Message, Part::Whole),
            ("TOP", _) if known => {
                (Inquiry::Top(numbers.next().and_then(Result::ok).unwrap_or_default()), Part::Whole)
            }
            ("DELE", _) if known => (Inquiry::Delete, Part::Whole),
            // There is no such message, or no such request.
            _ => return Part::Step(Reply::Refuse),
        };
        self.asked = Asked::Mailbox(inquiry);
        part
    }

    fn auth(&mut self, argument: &str, line: &[u8]) -> Command {
        let (name, _) = lines::verb(argument);
        // The initial response in its original case.
        let initial = lines::words(line).nth(2).map(sasl::decode);
        let mechanism = if name == LURE { Mechanism::Lure } else { Mechanism::Own };
        if self.login.begin(name, initial.as_deref()) {
            return Command::Login(mechanism);
        }
        self.answers = true;
        Command::Begin(mechanism)
    }

    fn done(&self) -> String {
        match self.asked {
            Asked::Other => POP3.text(Reply::Done).to_owned(),
            Asked::Mechanisms => {
                let list = POP3.text(Reply::offer(false));
                let names = list.lines().find_map(|line| line.strip_prefix("SASL "));
                format!("+OK\n{}\n.", names.unwrap_or_default().replace(' ', "\n"))
            }
            Asked::User => "+OK Send your password".to_owned(),
            Asked::Last => "+OK 0".to_owned(),
            Asked::Mailbox(inquiry) => self.mailbox.answer(inquiry),
            Asked::Cancel => "-ERR Authentication cancelled".to_owned(),
        }
    }
}

impl ServerSide for Pop3Server {
    fn cut(&mut self, bytes: &[u8]) -> Option<Heard> {
        let (line, length) = lines::first(bytes)?;
        if !self.answers {
            return Some(self.command(line, length));
        }
        self.answers = false;
        self.asked = Asked::Other;
        let mut heard =
            Heard { length, command: Some(Command::Credential), allowed: false, part: Part::Whole };
        if line == b"*" {
            self.asked = Asked::Cancel;
            heard.command = Some(Command::Noop);
        } else if self.login.answer(&sasl::decode(line)) {
            heard.part = Part::Step(Reply::Challenge);
            self.answers = true;
        }
        Some(heard)
    }

    fn say(&mut self, reply: Reply, _: bool) -> Vec<u8> {
        let text = match reply {
            Reply::Greeting => POP3.text(reply).replace(STAMP, &self.login.time_stamp()),
            Reply::Challenge => format!("+ {}", STANDARD.encode(self.login.prompt())),
            Reply::Done => self.done(),
            other => {
                self.answers &= other != Reply::Refuse;
                POP3.text(other).to_owned()
            }
        };
        lines::with_ends(&format!("{text}\n"), "\r\n")
    }

    fn at_boundary(&self) -> bool {
        !self.answers
    }

    fn challenges(&self) -> Vec<Challenge> {
        let own = Challenge::Apop(self.login.time_stamp().into_bytes());
        let given = self.login.given().iter().cloned().chain([own]);
        // The challenges in the descriptor are the attacker's.
        let forged = POP3.speech.replies.iter().filter_map(|wording| match wording.reply {
            Reply::Challenge => sasl::forged(wording.text, "+ "),
            _ => {
                let from = wording.text.find('<')?;
                let to = from + wording.text[from..].find('>')?;
                Some(Challenge::Apop(wording.text.as_bytes()[from..=to].to_vec()))
            }
        });
        given.chain(forged).collect()
    }

    fn reset(&mut self) {
        self.answers = false;
        self.asked = Asked::Other;
    }
}
