//! The persona's mailbox: one small message, with the canary of the run in it.

use crate::canary::Canaries;

/// The message's name in a list of unique ids (RFC 1939 section 7).
const UNIQUE_ID: &str = "upward-1";

/// A mailbox with one message.
pub(super) struct Mailbox {
    /// Its lines: the header, an empty line, the body. No line begins with a dot.
    lines: Vec<String>,
}

/// A request about a mailbox with one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inquiry {
    /// The number and size of all messages: `STAT`.
    Size,
    /// The sizes: `LIST`.
    Sizes,
    /// The size of the message: `LIST 1`.
    OneSize,
    /// The unique ids: `UIDL`.
    Ids,
    /// The unique id of the message: `UIDL 1`.
    OneId,
    /// The message: `RETR 1`.
    Message,
    /// Its header, and so many lines of its body: `TOP 1 n`.
    Top(usize),
    /// Deletion of the message: `DELE 1`.
    Delete,
}

impl Mailbox {
    pub(super) fn new(canaries: &Canaries) -> Self {
        let lines = [
            "Date: Tue, 24 Nov 2026 12:00:00 +0000",
            "From: a@example.org",
            "To: b@example.org",
            "Message-ID: <1.upward@localhost>",
            "Subject: upward",
            "",
            &canaries.body,
        ];
        Self { lines: lines.map(str::to_owned).to_vec() }
    }

    /// The size of the message in octets, as sent.
    pub(super) fn octets(&self) -> usize {
        self.lines.iter().map(|line| line.len() + 2).sum()
    }

    /// The answer, without the end of its last line.
    pub(super) fn answer(&self, inquiry: Inquiry) -> String {
        let octets = self.octets();
        let header = self.lines.iter().take_while(|line| !line.is_empty()).count() + 1;
        let listed = |first: &str, lines: &[String]| {
            let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
            format!("+OK {first} follows\n{lines}.")
        };
        match inquiry {
            Inquiry::Size | Inquiry::OneSize => format!("+OK 1 {octets}"),
            Inquiry::Sizes => listed("Scan listing", &[format!("1 {octets}")]),
            Inquiry::Ids => listed("Unique-id listing", &[format!("1 {UNIQUE_ID}")]),
            Inquiry::OneId => format!("+OK 1 {UNIQUE_ID}"),
            Inquiry::Message => listed("Message", &self.lines),
            Inquiry::Top(lines) => {
                let end = header.saturating_add(lines).min(self.lines.len());
                listed("Top of message", &self.lines[..end])
            }
            Inquiry::Delete => "+OK Message deleted".to_owned(),
        }
    }
}
