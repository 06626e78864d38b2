//! What a client said inside TLS with an authenticated server, command by command.

use upward_model::message::Command;

use crate::judge::{Dialogue, Inside, Step};
use crate::persona::Sight;
use crate::wire::{Form, Record, Side, What};

/// What each connection shows. `tagged` is whether commands have a tag before them; `claims_success` is
/// whether the client ended as after success, where that can be told.
pub(super) fn inside(
    record: &Record,
    connections: usize,
    sights: &[Sight],
    tagged: bool,
    claims_success: Option<bool>,
) -> Inside {
    let said =
        |connection: &usize| !record.stream(*connection, Side::Client, Form::Inside).is_empty();
    Inside {
        dialogues: (0..connections)
            .map(|connection| dialogue(record, connection, sights, tagged))
            .filter(|dialogue| !dialogue.steps.is_empty())
            .collect(),
        accepts_certificate: (0..connections).any(|connection| said(&connection)),
        claims_success,
    }
}

fn dialogue(record: &Record, connection: usize, sights: &[Sight], tagged: bool) -> Dialogue {
    let bytes = record.until_server_closes(connection, Side::Client, Form::Inside);
    let answers = Answers::of(record, connection, Form::Inside);
    let mut steps: Vec<Step> = Vec::new();
    let mut before: Option<&Sight> = None;
    let authenticated = |sight: &&Sight| sight.connection == connection && sight.stage.is_none();
    for sight in sights.iter().filter(authenticated) {
        let Some(said) = bytes.get(sight.range.clone()) else { break };
        let goes_on = before.is_some_and(|before| before.command == sight.command);
        let (command, word) = match sight.command {
            Some(Command::Credential) if gives_up(said, tagged) => {
                (Some(Command::Goodbye), word(said, false, false))
            }
            Some(Command::Credential) => (sight.command, word(said, tagged, true)),
            Some(Command::Hello | Command::Upgrade | Command::Goodbye | Command::Noop) => {
                (sight.command, word(said, tagged, false))
            }
            // The steps of one command belong together: what follows its first is data, or a verb.
            Some(_) => (sight.command, word(said, tagged, goes_on)),
            None => (None, UNKNOWN.to_owned()),
        };
        // Data whose size was announced need no answer before them, and the verbs of one command may be sent
        // together (RFC 2920 section 3.1, RFC 2449 section 6.6).
        let announced = tagged || steps.last().is_some_and(|step| step.word == "BDAT");
        let waits_for_none = announced || word != CONTINUED;
        let ahead = !(goes_on && waits_for_none)
            && before.is_some_and(|before| answers.none(before, sight));
        steps.push(Step { command, word, ahead });
        before = Some(sight);
    }
    let goodbye = steps.iter().any(|step| step.command == Some(Command::Goodbye));
    Dialogue { steps, waits: answers.server_closes && !goodbye }
}

/// How many times the server had spoken in a layer when each byte of the client came.
pub(super) struct Answers {
    /// Where each read of the client's bytes ends, and how often the server had spoken before it.
    reads: Vec<(usize, usize)>,
    /// Whether the server closed before the client did.
    server_closes: bool,
}

impl Answers {
    pub(super) fn of(record: &Record, connection: usize, layer: Form) -> Self {
        let mut answers = Self { reads: Vec::new(), server_closes: false };
        let (mut end, mut spoken) = (0, 0);
        let there = record.entries().into_iter().filter(|entry| entry.connection == connection);
        for entry in there {
            match entry.what {
                What::Bytes { from: Side::Client, form, bytes } if form == layer => {
                    end += bytes.len();
                    answers.reads.push((end, spoken));
                }
                What::Bytes { from: Side::Server, form, .. } if form == layer => spoken += 1,
                What::Closed(side, _) => {
                    answers.server_closes = side == Side::Server;
                    break;
                }
                _ => {}
            }
        }
        answers
    }

    /// Whether the server said nothing between two messages of the client.
    pub(super) fn none(&self, before: &Sight, after: &Sight) -> bool {
        let last = before.range.end.saturating_sub(1);
        self.before(last) == self.before(after.range.start)
    }

    /// How often the server had spoken when this byte came.
    fn before(&self, at: usize) -> Option<usize> {
        self.reads.iter().find(|(end, _)| at < *end).map(|(_, spoken)| *spoken)
    }
}

/// Whether a client gives up where an answer to a challenge should stand: it cancels the login, or takes
/// leave.
fn gives_up(said: &[u8], tagged: bool) -> bool {
    let leaves = |verb: &str| ["QUIT", "LOGOUT"].contains(&verb);
    said.starts_with(b"*") || leaves(&word(said, tagged, false))
}

/// Verbs that may stand in the later steps of a command.
const VERBS: [&str; 12] =
    ["MAIL", "RCPT", "DATA", "BDAT", "PASS", "LIST", "UIDL", "RETR", "STAT", "TOP", "DELE", "*"];

/// A message without what differs from run to run: its verb, and the mechanism that it names. Where it
/// goes on with a command, only a known verb counts, since else it is data.
fn word(said: &[u8], tagged: bool, goes_on: bool) -> String {
    let line = said.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let text = String::from_utf8_lossy(line).to_ascii_uppercase();
    let mut words = text.split_ascii_whitespace();
    let mut next = || words.next().unwrap_or_default().to_owned();
    let first = next();
    if goes_on && !tagged {
        return if VERBS.contains(&&*first) { first } else { CONTINUED.to_owned() };
    }
    let verb = if tagged { next() } else { first };
    if goes_on && !is_verb(&verb) {
        return CONTINUED.to_owned();
    }
    match &*verb {
        "AUTH" | "AUTHENTICATE" => format!("{verb} {}", next()).trim_end().to_owned(),
        "UID" => format!("{verb} {}", next()),
        _ => verb,
    }
}

/// What stands for a line that is not of the protocol.
const UNKNOWN: &str = "(unknown)";

/// What stands for data, or for the answer to a challenge.
const CONTINUED: &str = "(goes on)";

/// Commands that have a tag before them, and may be of the same kind as the one before.
fn is_verb(word: &str) -> bool {
    [
        "SELECT",
        "EXAMINE",
        "FETCH",
        "UID",
        "APPEND",
        "LIST",
        "LSUB",
        "STATUS",
        "SEARCH",
        "NAMESPACE",
        "LOGIN",
        "AUTHENTICATE",
        "CAPABILITY",
        "ENABLE",
        "STORE",
        "IDLE",
        "ID",
        "CREATE",
        "CLOSE",
        "EXPUNGE",
        "NOOP",
        "LOGOUT",
        "CHECK",
        "SUBSCRIBE",
        "XLIST",
        "COMPRESS",
        "STARTTLS",
    ]
    .contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_holds_nothing_that_differs_from_run_to_run() {
        for (said, tagged, goes_on, expected) in [
            ("ehlo client.example\r\n", false, false, "EHLO"),
            ("AUTH PLAIN AHUAcA==\r\n", false, false, "AUTH PLAIN"),
            ("AUTH\r\n", false, false, "AUTH"),
            ("a7 AUTHENTICATE cram-md5\r\n", true, false, "AUTHENTICATE CRAM-MD5"),
            ("a8 uid fetch 1 BODY[]\r\n", true, true, "UID FETCH"),
            ("a9 LOGIN u p\r\n", true, false, "LOGIN"),
            ("RCPT TO:<a@b>\r\n", false, true, "RCPT"),
            ("Subject: t\r\n\r\nhello\r\n.\r\n", false, true, CONTINUED),
            ("dXNlcg==\r\n", false, true, CONTINUED),
            ("dXNlcg==\r\n", true, true, CONTINUED),
            ("*\r\n", false, true, "*"),
        ] {
            assert_eq!(word(said.as_bytes(), tagged, goes_on), expected, "{said}");
        }
    }

    #[test]
    fn the_verbs_of_one_command_may_be_sent_together() {
        let record = Record::default();
        let says = |from, bytes: &[u8]| {
            let what = What::Bytes { from, form: Form::Inside, bytes: bytes.to_vec() };
            record.push(0, what);
        };
        says(Side::Client, b"MAIL\r\nRCPT\r\nDATA\r\nbody\r\n");
        let sight = |range| Sight {
            connection: 0,
            stage: None,
            command: Some(Command::Deliver),
            allowed: false,
            range,
        };
        let sights = [sight(0..6), sight(6..12), sight(12..18), sight(18..24)];
        let Inside { dialogues, .. } = inside(&record, 1, &sights, false, None);
        let ahead: Vec<bool> = dialogues[0].steps.iter().map(|step| step.ahead).collect();
        // The text of a message waits for its 354.
        assert_eq!(ahead, [false, false, false, true]);
    }

    #[test]
    fn a_command_is_ahead_of_the_answer_that_it_does_not_wait_for() {
        let record = Record::default();
        let says = |from, bytes: &[u8]| {
            let what = What::Bytes { from, form: Form::Inside, bytes: bytes.to_vec() };
            record.push(0, what);
        };
        says(Side::Client, b"EHLO x\r\n");
        says(Side::Server, b"250 x\r\n");
        says(Side::Client, b"NOOP\r\nMAIL\r\n");
        record.push(0, What::Closed(Side::Server, String::new()));
        says(Side::Client, b"QUIT\r\n");
        let sight = |range, command| Sight {
            connection: 0,
            stage: None,
            command: Some(command),
            allowed: false,
            range,
        };
        let sights = [
            sight(0..8, Command::Hello),
            sight(8..14, Command::Noop),
            sight(14..20, Command::Deliver),
            sight(20..26, Command::Goodbye),
        ];
        let Inside { dialogues, .. } = inside(&record, 1, &sights, false, None);
        let [Dialogue { steps, waits: true }] = &dialogues[..] else { panic!("{dialogues:?}") };
        let ahead: Vec<(&str, bool)> = steps.iter().map(|step| (&*step.word, step.ahead)).collect();
        // What came when the server had closed does not count.
        assert_eq!(ahead, [("EHLO", false), ("NOOP", false), ("MAIL", true)]);
    }
}
