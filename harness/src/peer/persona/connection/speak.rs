//! Sends the persona's replies with their deviations, and closes connections.

use upward_model::client::Close;
use upward_model::explain::Event;
use upward_model::message::{Command, Piece, Reply, Segment};
use upward_model::vector::{Deviation, Do, Point, SegmentOf};

use super::{Closing, Confirmed, Connection};
use crate::codec::Answered;
use crate::tls::record_length;
use crate::wire::What;

impl Connection {
    /// Answers one step of a command that has several. If this is the first answer inside TLS,
    /// deviations that withhold or close there are performed here.
    pub(super) async fn say_part(&mut self, point: Option<Point>, reply: Reply) {
        if point == Some(Point::Inside) && self.deviations(Point::Inside).iter().any(is_silence) {
            self.unanswered = true;
            return self.say(point, reply, None).await;
        }
        if self.withheld {
            self.unanswered = self.link.is_tls();
            return;
        }
        let bytes = self.codec.say(reply, self.link.is_tls());
        self.lifted.challenge(self.codec.challenges());
        self.link.write(&bytes).await;
    }

    /// Sends one reply, with the deviations at this point.
    pub(super) async fn say(
        &mut self,
        point: Option<Point>,
        reply: Reply,
        answers: Option<Command>,
    ) {
        let deviations = match point {
            Some(point) => {
                self.lifted.reach(point);
                self.deviations(point)
            }
            None => Vec::new(),
        };
        if self.withheld || self.closing == Closing::Over {
            return;
        }
        let mut utterance = Utterance::of(reply);
        for deviation in deviations {
            if is_said(&deviation) {
                self.put_in(&mut utterance, deviation, answers.is_some());
            } else if self.does(&deviation, point).await {
                return;
            }
        }
        let honest = self.codec.say(reply, self.link.is_tls());
        self.lifted.challenge(self.codec.challenges());
        let layer = self.layer();
        let segment = Segment::new(&utterance.pieces);
        self.event(Event::Said { segment, layer, answers });
        let login_or_delivery = answers.is_some_and(Command::is_secret);
        if login_or_delivery && utterance.confirms() {
            let delivery = answers == Some(Command::Deliver);
            self.lifted.confirm(Confirmed { delivery, authenticated: self.stage.is_none() });
        }
        self.link.write(&utterance.bytes(honest)).await;
    }

    /// Adds a deviation's bytes to an utterance. `is_answer`: the utterance answers a command of the
    /// client.
    fn put_in(&mut self, utterance: &mut Utterance, deviation: Deviation, is_answer: bool) {
        let said: Vec<Piece<Reply>> = deviation.meaning.iter().map(|m| m.0).collect();
        if deviation.action == Do::Append && deviation.segment == Some(SegmentOf::Own) {
            // Its bytes are built when it is sent.
            return self.apart.push(deviation);
        }
        let answers_last = is_answer && deviation.action != Do::Append;
        let answered = if answers_last { Answered::Last } else { Answered::Next };
        let bytes = self.bytes(&deviation, answered);
        match deviation.action {
            Do::Prepend => {
                self.deviates("puts something before this message");
                utterance.pieces.splice(0..0, said);
                utterance.before.extend(bytes);
            }
            Do::Append => {
                self.deviates("adds to this segment");
                utterance.pieces.extend(said);
                utterance.behind.extend(bytes);
            }
            _ => {
                self.deviates("replaces this message");
                utterance.pieces = said;
                utterance.replaced = Some(bytes);
            }
        }
    }

    /// Performs a deviation that sends no bytes; returns whether the reply is left out.
    async fn does(&mut self, deviation: &Deviation, point: Option<Point>) -> bool {
        match deviation.action {
            Do::Withhold => {
                self.deviates("withholds the reply");
                self.withheld = true;
                true
            }
            Do::Close => {
                self.closes(Close::Orderly).await;
                true
            }
            Do::Cut => {
                if point == Some(Point::Opening) {
                    // Otherwise the client may see the connection as closed before it was established,
                    // and the run would not have reached the opening.
                    self.let_it_read().await;
                }
                self.closes(Close::Cut).await;
                true
            }
            Do::EndTls => {
                self.end_tls().await;
                false
            }
            Do::Alert | Do::Replace | Do::Append | Do::Prepend => false,
        }
    }

    /// Sends the deviations that need a segment of their own. The client has read the bytes before
    /// them, or has had the time to.
    pub(super) async fn say_apart(&mut self, how: &str) {
        for deviation in std::mem::take(&mut self.apart) {
            self.say_alone(&deviation, how).await;
        }
    }

    /// Sends only a deviation's bytes.
    pub(super) async fn say_alone(&mut self, deviation: &Deviation, how: &str) {
        self.deviates(how);
        let meant: Vec<Piece<Reply>> = deviation.meaning.iter().map(|m| m.0).collect();
        let (segment, layer) = (Segment::new(&meant), self.layer());
        self.event(Event::Said { segment, layer, answers: None });
        let bytes = self.bytes(deviation, Answered::Next);
        self.link.write(&bytes).await;
    }

    fn bytes(&mut self, deviation: &Deviation, answered: Answered) -> Vec<u8> {
        match (&deviation.text, &deviation.hex) {
            (Some(text), _) => self.persona.codec.bytes(&self.codec.fill(text, answered)),
            (None, Some(hex)) => unhex(hex),
            (None, None) => Vec::new(),
        }
    }

    pub(super) async fn closes(&mut self, close: Close) {
        self.event(Event::Closed(close));
        if self.deviated || self.withheld {
            self.record.push(self.number, What::Deviates("has nothing more to say".to_owned()));
        }
        self.deviated = true;
        match close {
            Close::Orderly => {
                // Messages of the client after this are processed, and not answered.
                self.link.shut().await;
                self.closing = Closing::Listens;
                self.withheld = true;
            }
            // A persona always sends close_notify in an orderly close: a truncated close is a cut.
            Close::Truncated | Close::Cut => {
                self.link.cut().await;
                self.closing = Closing::Over;
            }
        }
    }

    /// Processes a last line without its line end: the client has sent it all the same.
    pub(super) async fn last_words(&mut self) {
        if self.buffer.is_empty() || (!self.link.is_tls() && record_length(&self.buffer).is_some())
        {
            return;
        }
        self.withheld = true;
        self.closing = Closing::Listens;
        let length = self.buffer.len();
        self.note_unrecorded(length);
        if let Some(heard) = self.codec.cut_last(&self.buffer) {
            self.hear(&heard).await;
        }
    }
}

/// The bytes of one segment: the honest reply, and deviations before it, after it or in its place.
struct Utterance {
    pieces: Vec<Piece<Reply>>,
    before: Vec<u8>,
    replaced: Option<Vec<u8>>,
    behind: Vec<u8>,
}

impl Utterance {
    fn of(reply: Reply) -> Self {
        let pieces = vec![Piece::Whole(reply)];
        Self { pieces, before: Vec::new(), replaced: None, behind: Vec::new() }
    }

    /// Whether its first message confirms a login or a delivery.
    fn confirms(&self) -> bool {
        matches!(self.pieces.first(), Some(Piece::Whole(Reply::Done | Reply::LoggedIn)))
    }

    /// Its bytes, given those of the honest reply.
    fn bytes(self, honest: Vec<u8>) -> Vec<u8> {
        [self.before, self.replaced.unwrap_or(honest), self.behind].concat()
    }
}

/// Whether the deviation sends bytes.
const fn is_said(deviation: &Deviation) -> bool {
    matches!(deviation.action, Do::Replace | Do::Append | Do::Prepend)
}

/// Whether the deviation leaves the reply out.
fn is_silence(deviation: &Deviation) -> bool {
    matches!(deviation.action, Do::Withhold | Do::Close | Do::Cut)
}

/// Bytes from hexadecimal; other characters are skipped.
fn unhex(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks_exact(2)
        .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}
