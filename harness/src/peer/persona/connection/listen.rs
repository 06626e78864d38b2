//! Receives the client's bytes, and parses them into commands.

use upward_model::explain::Event;
use upward_model::message::{Command, Reply, Segment};
use upward_model::server;
use upward_model::vector::{Do, Point};

use super::{Closing, Connection, Message};
use crate::codec::{Heard, Part};
use crate::evidence::Stage;
use crate::tls::record_length;
use crate::wire::Form;

impl Connection {
    /// Appends received bytes to the buffer. Bytes in clear are recorded, up to the place where TLS may
    /// begin.
    pub(super) fn take_in(&mut self, bytes: &[u8]) {
        self.arrived = self.lifted.events(self.number);
        self.buffer.extend_from_slice(bytes);
        if self.link.is_tls() {
            return;
        }
        if self.unrecorded > 0 {
            // The bytes may belong to the record whose header was received.
            self.unrecorded += bytes.len();
            return;
        }
        let at_start = self.buffer.len() == bytes.len() && self.codec.at_boundary();
        let begins = |at: usize| {
            record_length(&bytes[at..]).is_some()
                && (if at == 0 { at_start } else { self.codec.may_end(&bytes[..at]) })
        };
        let clear = (0..bytes.len()).find(|&at| begins(at)).unwrap_or(bytes.len());
        self.link.note_clear(Form::Clear, &bytes[..clear]);
        self.unrecorded = bytes.len() - clear;
    }

    /// Parses all complete messages, and starts TLS at a ClientHello.
    pub(super) async fn take_up(&mut self) {
        while self.closing != Closing::Over && !self.buffer.is_empty() {
            if self.lifted.is_full() || self.record.dropped().entries > 0 {
                self.record.cut_off();
                self.link.cut().await;
                self.closing = Closing::Over;
                break;
            }
            if !self.link.is_tls()
                && self.codec.at_boundary()
                && record_length(&self.buffer).is_some()
            {
                if self.refuses_tls {
                    if !self.skip_record() {
                        break;
                    }
                } else {
                    self.client_hello().await;
                }
                continue;
            }
            let Some(heard) = self.codec.cut(&self.buffer) else { break };
            self.note_unrecorded(heard.length);
            self.buffer.drain(..heard.length);
            self.hear(&heard).await;
        }
        // Record the rest, unless it is the beginning of a TLS record that is not complete yet.
        let record = self.codec.at_boundary() && record_length(&self.buffer).is_some();
        if !self.link.is_tls() && !record {
            self.note_unrecorded(self.buffer.len());
        }
    }

    /// Records bytes in clear that could have been TLS and are not.
    pub(super) fn note_unrecorded(&mut self, length: usize) {
        let recorded = self.buffer.len() - self.unrecorded.min(self.buffer.len());
        if length > recorded {
            self.link.note_clear(Form::Clear, &self.buffer[recorded..length]);
            self.unrecorded -= length - recorded;
        }
    }

    /// Discards a TLS record after TLS was refused; returns whether the record was complete.
    fn skip_record(&mut self) -> bool {
        let Some(length) = record_length(&self.buffer) else { return false };
        if self.buffer.len() < length {
            return false;
        }
        let record: Vec<u8> = self.buffer.drain(..length).collect();
        self.unrecorded = self.unrecorded.min(self.buffer.len());
        self.link.note_clear(Form::Records, &record);
        true
    }

    /// Processes one message of the client, and answers it.
    pub(super) async fn hear(&mut self, heard: &Heard) {
        let command = self.note(heard).await;
        if std::mem::take(&mut self.silent) {
            self.silent_opening().await;
            if self.closing != Closing::No {
                return;
            }
        }
        if !self.link.is_tls() {
            // In clear only one reply is withheld: the client's next message is processed and answered.
            self.withheld = self.closing != Closing::No;
            if self.state.phase == server::Phase::AwaitsTls {
                // The client was granted TLS and goes on in clear.
                self.state.phase = server::Phase::Ready;
            }
        }
        match heard.part {
            Part::Step(reply) => {
                let point = self.point(command);
                self.say_part(point, reply).await;
            }
            Part::Silent => {}
            Part::Whole if heard.command.is_none() => {
                self.say(None, Reply::Refuse, Some(command)).await;
            }
            Part::Whole => self.answer(command).await,
        }
    }

    /// Adds a message to the lifted run; returns its command in the model.
    async fn note(&mut self, heard: &Heard) -> Command {
        let range = self.taken_up..self.taken_up + heard.length;
        self.taken_up = range.end;
        self.lifted.message(Message {
            connection: self.number,
            stage: self.stage,
            command: heard.command,
            allowed: heard.allowed,
            range,
        });
        // Bytes that are not of the protocol are for the language oracle; no client of the model sends
        // them.
        let command = heard.command.unwrap_or(Command::Noop);
        // The steps of a command are one command of the model, recorded at the first step. A client
        // that goes on although a step was not answered has accepted other bytes as the answer. It has
        // got what it asked for, so in the model it goes on to the delivery.
        let goes_on = self.open == Some(command);
        let unanswered = std::mem::take(&mut self.unanswered);
        self.open = (heard.part != Part::Whole).then_some(command);
        if !goes_on || unanswered {
            // The command was received before the replies sent since the last read.
            let said = if goes_on { Command::Deliver } else { command };
            let event = Event::Heard(said, self.layer());
            self.lifted.insert(self.number, self.arrived, event);
            self.arrived += 1;
            if !self.link.is_tls() && self.closing == Closing::No && !self.apart.is_empty() {
                self.say_apart("adds a segment before it answers").await;
                self.let_it_read().await;
            }
        }
        command
    }

    /// Answers a whole command as the true server does, with the deviations at its point.
    async fn answer(&mut self, command: Command) {
        // A client that sends only its name, such as HELO after EHLO has failed, does not ask for
        // capabilities: it gets the true server's answer.
        let plain = command == Command::Hello && !self.codec.asks_for_capabilities();
        let point = if plain && !self.link.is_tls() { None } else { self.point(command) };
        if command == Command::Upgrade && self.stage == Some(Stage::Before) {
            self.stage = Some(Stage::Between);
        }
        let input = server::Input::Segment(Segment::one(command));
        let (state, outputs) = self.server().step(&self.state, &input);
        let replaced = point == Some(Point::Upgrade)
            && self.deviations(Point::Upgrade).iter().any(|d| d.action == Do::Replace);
        if replaced {
            self.stage = Some(Stage::Failed);
        } else {
            self.state = state;
        }
        for reply in server::words(&outputs) {
            let reply = if plain { Reply::offer(false) } else { reply };
            self.say(point, reply, Some(command)).await;
        }
        if command == Command::Goodbye && self.closing == Closing::No {
            self.link.shut().await;
            self.closing = Closing::Listens;
            self.withheld = true;
            self.deviated = true;
        }
    }

    /// Gives the client time to read the last segment separately. Bytes that it sends meanwhile are
    /// buffered, and parsed in turn.
    pub(super) async fn let_it_read(&mut self) {
        let read = tokio::time::timeout(self.persona.patience, self.link.read()).await;
        // The end of the connection is seen again by the next read.
        if let Ok(Ok(bytes)) = read
            && !bytes.is_empty()
        {
            self.take_in(&bytes);
        }
    }

    /// The point at which a command is answered.
    pub(super) fn point(&mut self, command: Command) -> Option<Point> {
        let inside = self.link.is_tls();
        if inside && !self.inside {
            self.inside = true;
            self.lifted.reach(Point::Inside);
            // The first answer inside TLS also reaches the point of its command.
            if let Some(point) = Point::of(command, true) {
                self.lifted.reach(point);
            }
            let planned = |point| !self.deviations(point).is_empty();
            return Some(Point::of_first_inside(command, planned));
        }
        Point::of(command, inside)
    }
}
