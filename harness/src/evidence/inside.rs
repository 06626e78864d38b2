//! The client's commands inside TLS with an authenticated server.

use upward_model::message::Command;

use super::{Dialogue, Inside, Message, Step};
use crate::codec::{CONTINUED, Codec};

use crate::wire::{Form, Record, Side, What};

/// The dialogues of all connections. `claims_success`: whether the client's end looks like success;
/// `None` if that cannot be told.
pub(super) fn inside(
    record: &Record,
    connections: usize,
    messages: &[Message],
    codec: &dyn Codec,
    claims_success: Option<bool>,
) -> Inside {
    let said =
        |connection: &usize| !record.stream(*connection, Side::Client, Form::Inside).is_empty();
    Inside {
        dialogues: (0..connections)
            .map(|connection| dialogue(record, connection, messages, codec))
            .filter(|dialogue| !dialogue.steps.is_empty())
            .collect(),
        accepts_certificate: (0..connections).any(|connection| said(&connection)),
        claims_success,
    }
}

fn dialogue(
    record: &Record,
    connection: usize,
    messages: &[Message],
    codec: &dyn Codec,
) -> Dialogue {
    let bytes = record.until_server_closes(connection, Side::Client, Form::Inside);
    let answers = Answers::of(record, connection, Form::Inside);
    let mut steps: Vec<Step> = Vec::new();
    let mut before: Option<&Message> = None;
    let authenticated =
        |message: &&Message| message.connection == connection && message.stage.is_none();
    for message in messages.iter().filter(authenticated) {
        let Some(said) = bytes.get(message.range.clone()) else { break };
        let goes_on = before.is_some_and(|before| before.command == message.command);
        let (command, word) = match message.command {
            Some(Command::Credential) if codec.gives_up(said) => {
                (Some(Command::Goodbye), codec.word(said, false))
            }
            Some(Command::Credential) => (message.command, codec.word(said, true)),
            Some(Command::Hello | Command::Upgrade | Command::Goodbye | Command::Noop) => {
                (message.command, codec.word(said, false))
            }
            // The steps of one command belong together: a step after the first is data, or a verb.
            Some(_) => (message.command, codec.word(said, goes_on)),
            None => (None, UNKNOWN.to_owned()),
        };
        // Data of announced size may be sent without waiting for an answer, and the verbs of one
        // command may be sent together (RFC 2920 section 3.1, RFC 2449 section 6.6).
        let announced = steps.last().is_some_and(|step| codec.announces_data(&step.word));
        let waits_for_none = announced || word != CONTINUED;
        let ahead = !(goes_on && waits_for_none)
            && before.is_some_and(|before| answers.none(before, message));
        steps.push(Step { command, word, ahead });
        before = Some(message);
    }
    let goodbye = steps.iter().any(|step| step.command == Some(Command::Goodbye));
    Dialogue { steps, waits: answers.server_closes && !goodbye }
}

/// How many messages the server had sent in a layer when each byte of the client was received.
pub(super) struct Answers {
    /// For each read: the end of its bytes, and the number of messages that the server had sent before
    /// it.
    reads: Vec<(usize, usize)>,
    /// Whether the server closed before the client did.
    server_closes: bool,
}

impl Answers {
    pub(super) fn of(record: &Record, connection: usize, layer: Form) -> Self {
        let mut answers = Self { reads: Vec::new(), server_closes: false };
        let (mut end, mut spoken) = (0, 0);
        let there = record.entries().into_iter().filter(|entry| entry.line == connection.into());
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

    /// Whether the server sent nothing between two messages of the client.
    pub(super) fn none(&self, before: &Message, after: &Message) -> bool {
        let last = before.range.end.saturating_sub(1);
        self.before(last) == self.before(after.range.start)
    }

    /// How many messages the server had sent when this byte was received.
    fn before(&self, at: usize) -> Option<usize> {
        self.reads.iter().find(|(end, _)| at < *end).map(|(_, spoken)| *spoken)
    }
}

/// The word for a line that is not of the protocol.
const UNKNOWN: &str = "(unknown)";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Smtp;

    #[test]
    fn the_verbs_of_one_command_may_be_sent_together() {
        let record = Record::default();
        let says = |from, bytes: &[u8]| {
            let what = What::Bytes { from, form: Form::Inside, bytes: bytes.to_vec() };
            record.push(0, what);
        };
        says(Side::Client, b"MAIL\r\nRCPT\r\nDATA\r\nbody\r\n");
        let message = |range| Message {
            connection: 0,
            stage: None,
            command: Some(Command::Deliver),
            allowed: false,
            range,
        };
        let messages = [message(0..6), message(6..12), message(12..18), message(18..24)];
        let Inside { dialogues, .. } = inside(&record, 1, &messages, &Smtp, None);
        let ahead: Vec<bool> = dialogues[0].steps.iter().map(|step| step.ahead).collect();
        // The text of a message must wait for the reply 354.
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
        let message = |range, command| Message {
            connection: 0,
            stage: None,
            command: Some(command),
            allowed: false,
            range,
        };
        let messages = [
            message(0..8, Command::Hello),
            message(8..14, Command::Noop),
            message(14..20, Command::Deliver),
            message(20..26, Command::Goodbye),
        ];
        let Inside { dialogues, .. } = inside(&record, 1, &messages, &Smtp, None);
        let [Dialogue { steps, waits: true }] = &dialogues[..] else { panic!("{dialogues:?}") };
        let ahead: Vec<(&str, bool)> = steps.iter().map(|step| (&*step.word, step.ahead)).collect();
        // Commands received after the server has closed are not counted.
        assert_eq!(ahead, [("EHLO", false), ("NOOP", false), ("MAIL", true)]);
    }
}
