//! The client's side of IMAP, for the built-in client.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use upward_model::message::{Command, Mechanism, Piece, Reply};
use upward_model::protocol::{IMAP, TAG};

use crate::canary::Canaries;
use crate::codec::weaker::{self, Weaker};
use crate::codec::{Asked, ClientSide, Cut, lines};

/// The client of one connection.
#[derive(Default)]
pub(super) struct ImapClient {
    /// How many commands were sent.
    said: usize,
    /// The last challenge received, decoded.
    challenge: Vec<u8>,
    weaker: Weaker,
    /// The last request, which decides what a reply means; `None` with a persona, whose replies are
    /// known by their words, since an attacker's reply may belong to another request.
    asked: Option<Asked>,
}

impl ImapClient {
    pub(super) fn of_any_server() -> Self {
        Self { asked: Some(Asked::Connection), ..Self::default() }
    }
}

impl ClientSide for ImapClient {
    fn say(&mut self, command: Command, canaries: &Canaries) -> Vec<u8> {
        self.asked = self.asked.map(|_| Asked::Command(command));
        if command != Command::Credential {
            self.weaker.forget();
        }
        if command == Command::Credential {
            let credential = self.weaker.credential(canaries, &self.challenge);
            return format!("{credential}\r\n").into_bytes();
        }
        let line = match command {
            Command::Hello => "CAPABILITY".to_owned(),
            Command::Upgrade => "STARTTLS".to_owned(),
            Command::Begin(Mechanism::Own | Mechanism::Salted) => {
                "AUTHENTICATE CRAM-MD5".to_owned()
            }
            Command::Begin(Mechanism::Lure) => format!("AUTHENTICATE {}", self.weaker.begin()),
            Command::Login(Mechanism::Own | Mechanism::Salted) => {
                format!("LOGIN {} {}", canaries.user, canaries.password)
            }
            Command::Login(Mechanism::Lure) => {
                format!("AUTHENTICATE {}", self.weaker.log_in(canaries))
            }
            Command::Deliver => {
                // A non-synchronizing literal (RFC 7888) needs no reply from the server, so this is one
                // message, as in the model.
                let message = format!("Subject: upward\r\n\r\n{}\r\n", canaries.body);
                format!("APPEND Drafts {{{}+}}\r\n{message}", message.len())
            }
            Command::Goodbye => "LOGOUT".to_owned(),
            Command::Protect | Command::Noop | Command::Credential => "NOOP".to_owned(),
        };
        self.said += 1;
        format!("a{} {line}\r\n", self.said).into_bytes()
    }

    fn cut(&mut self, bytes: &[u8]) -> Cut {
        let mut cut = Cut::default();
        let mut rest = bytes;
        // The beginning of a list that is not confirmed yet.
        let mut open: Option<(&[u8], Reply)> = None;
        // Replies after that list. They are read once, together with the list when it is complete.
        let mut held: Vec<Piece<Reply>> = Vec::new();
        while let Some((line, length)) = whole(rest) {
            let start = rest;
            rest = &rest[length..];
            cut.text.push_str(&String::from_utf8_lossy(line));
            cut.text.push('\n');
            if let Some(name) = weaker_of(line) {
                self.weaker.is_named(name);
            }
            if let Some(list) = listed(line) {
                let start = open.map_or(start, |(start, _)| start);
                open = Some((start, list));
                continue;
            }
            let Some(reply) = meaning(line) else { continue };
            if reply == Reply::Challenge {
                let text = line.get(2..).unwrap_or_default();
                self.challenge = STANDARD.decode(text).unwrap_or_default();
                if let Some(answer) = self.weaker.answer() {
                    cut.more.extend(format!("{answer}\r\n").into_bytes());
                    continue;
                }
            }
            if open.is_some() && !is_tagged(line) {
                held.push(Piece::Whole(reply));
                continue;
            }
            let reply = match (reply, open.take()) {
                // The server may send its capabilities before any answer (RFC 9051 section 7.2.2).
                (Reply::Accept, Some(_)) => Reply::Accept,
                (Reply::Done | Reply::LoggedIn, Some((_, list))) => list,
                (Reply::Done | Reply::LoggedIn, None)
                    if self.asked == Some(Asked::Command(Command::Upgrade)) =>
                {
                    Reply::Accept
                }
                (reply, _) => reply,
            };
            cut.pieces.append(&mut held);
            cut.pieces.push(Piece::Whole(reply));
        }
        if let Some((start, list)) = open {
            // If the tagged line has begun, only its line end is missing.
            let line = is_tagged(rest);
            cut.pieces.push(if line { Piece::Line(list) } else { Piece::Block(list) });
            cut.rest = start.to_vec();
        } else if !rest.is_empty() {
            cut.pieces.push(Piece::Line(begun(rest)));
            cut.rest = rest.to_vec();
        }
        cut
    }
}

/// The next line with its literals, and the length of both; the returned line is without literals.
/// `None` if it is not complete.
fn whole(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let (line, mut end) = lines::first(bytes)?;
    let mut part = line;
    while line.starts_with(b"* ")
        && let Some(length) = announced(part)
    {
        let behind = end.checked_add(length)?;
        let (next, length) = lines::first(bytes.get(behind..)?)?;
        (part, end) = (next, behind + length);
    }
    Some((line, end))
}

/// The length of the literal that a line announces (RFC 9051 section 4.3).
fn announced(line: &[u8]) -> Option<usize> {
    let inner = line.strip_suffix(b"}")?;
    let open = inner.iter().rposition(|&byte| byte == b'{')?;
    std::str::from_utf8(&inner[open + 1..]).ok()?.parse().ok()
}

/// The weaker mechanism, if the list in a line names no other.
fn weaker_of(line: &[u8]) -> Option<&'static str> {
    let text = lines::upper(line);
    let list = text.split_once("CAPABILITY ")?.1;
    let names = list.split([' ', ']']).filter_map(|word| word.strip_prefix("AUTH="));
    weaker::alone(names)
}

/// The offers of an untagged list; `None` if the line is not a list.
fn listed(line: &[u8]) -> Option<Reply> {
    let text = lines::upper(line);
    let list = text.strip_prefix("* CAPABILITY")?;
    let weaker = weaker_of(line).is_some();
    let mechanism = if weaker { Mechanism::Lure } else { Mechanism::Own };
    let names = |word: &str| list.split(' ').any(|other| other == word);
    let upgrade = names("STARTTLS");
    if names("LOGINDISABLED") && !upgrade && !list.contains(" AUTH=") {
        return Some(Reply::Bare);
    }
    Some(Reply::Capabilities { upgrade, mechanism })
}

/// The meaning of a line; `None` for mailbox data and for the end of a goodbye.
fn meaning(line: &[u8]) -> Option<Reply> {
    let text = String::from_utf8_lossy(line);
    let tagged = without_tag(&text);
    // A line that begins like a known reply has that reply's meaning, even if its end is another.
    let worded = |reply: Reply| {
        let begins = |text: &'static str| match (text.strip_prefix(TAG), tagged) {
            // If the wording is only a status, the whole line must match.
            (Some(words), Some(rest)) if words.trim().split(' ').count() < 2 => {
                (rest == words).then_some(words.len())
            }
            (Some(words), Some(rest)) => rest.starts_with(words).then_some(words.len()),
            (Some(_), None) => None,
            (None, _) => line.starts_with(text.as_bytes()).then_some(text.len()),
        };
        IMAP.wordings(reply).filter_map(move |wording| begins(wording.text)).max()
    };
    let longest = IMAP
        .replies()
        .into_iter()
        .filter_map(|reply| worded(reply).map(|length| (length, std::cmp::Reverse(reply))))
        .max();
    if let Some((_, std::cmp::Reverse(reply))) = longest {
        return Some(reply);
    }
    let positive = tagged.is_some_and(|rest| rest.to_ascii_uppercase().starts_with(" OK"));
    match (tagged, &*text) {
        (Some(rest), _) if rest.starts_with(" OK LOGOUT") => None,
        (Some(_), _) if positive => Some(Reply::Done),
        (Some(_), _) => Some(Reply::Refuse),
        (None, text) if text.starts_with('+') => Some(Reply::Challenge),
        (None, text) if text.starts_with("* PREAUTH") => Some(Reply::Welcome),
        (None, text) if text.starts_with("* OK [ALERT]") => Some(Reply::Notice),
        (None, text) if text.starts_with("* OK [CAPABILITY ") => Some(Reply::Greeting),
        // Properties of a mailbox (RFC 9051 section 7.1).
        (None, text) if text.starts_with("* OK [") => None,
        (None, text) if text.starts_with("* OK") => Some(Reply::Greeting),
        (None, text) if text.starts_with("* BYE") => Some(Reply::Bye),
        (None, text) if text.starts_with("* ") => None,
        (None, _) if is_tagged(line) => Some(Reply::Unknown),
        (None, _) => Some(Reply::Garbled),
    }
}

/// Whether a line begins with a tag, followed by any status: the built-in client's tags have digits.
fn is_tagged(line: &[u8]) -> bool {
    let tag = line.split(|&byte| byte == b' ').next().unwrap_or_default();
    super::server::is_tag(tag) && tag.iter().any(u8::is_ascii_digit)
}

/// The text after the tag of a tagged reply.
fn without_tag(text: &str) -> Option<&str> {
    let at = text.find(' ')?;
    let rest = &text[at..];
    let status = rest.split(' ').nth(1).unwrap_or_default();
    let tagged = ["OK", "NO", "BAD"].iter().any(|known| status.eq_ignore_ascii_case(known));
    (tagged && super::server::is_tag(&text.as_bytes()[..at])).then_some(rest)
}

/// The likely meaning of an incomplete line.
fn begun(head: &[u8]) -> Reply {
    if let Some(list) = listed(head) {
        return list;
    }
    let text = String::from_utf8_lossy(head);
    let rest = text.find(' ').map_or("", |at| &text[at..]);
    let begins = |reply: &Reply| {
        IMAP.wordings(*reply).any(|wording| match wording.text.strip_prefix(TAG) {
            Some(worded) => !rest.is_empty() && worded.starts_with(rest),
            None => wording.text.starts_with(&*text),
        })
    };
    IMAP.replies().into_iter().find(begins).unwrap_or(Reply::Garbled)
}
