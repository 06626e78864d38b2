//! What the persona says, with what deviates there, and how it closes.

use upward_model::client::Close;
use upward_model::explain::Event;
use upward_model::message::{Command, Piece, Reply, Segment};
use upward_model::vector::{Deviation, Do, Point, SegmentOf};

use super::{Confirmed, Connection};
use crate::codec::Answered;
use crate::tls::record_length;
use crate::wire::What;

impl Connection {
    /// Answers a step of a command that has several. What deviates at the first words inside TLS
    /// does so here, if this is where they are said.
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

    /// Says one thing, with what deviates there.
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
        if self.withheld || self.over {
            return;
        }
        let mut pieces = vec![Piece::Whole(reply)];
        let mut replaced: Option<Vec<u8>> = None;
        let (mut before, mut behind) = (Vec::new(), Vec::new());
        for deviation in deviations {
            let meant: Vec<Piece<Reply>> = deviation.meaning.iter().map(|m| m.0).collect();
            let answered = match deviation.action {
                Do::Replace | Do::Prepend if answers.is_some() => Answered::Last,
                _ => Answered::Next,
            };
            let own = deviation.segment == Some(SegmentOf::Own);
            // What comes in a segment of its own is put into bytes when it is sent.
            let bytes = if own { Vec::new() } else { self.bytes(&deviation, answered) };
            match deviation.action {
                Do::Replace => {
                    self.deviates("replaces this message");
                    pieces = meant;
                    replaced = Some(bytes);
                }
                Do::Append if own => {
                    self.apart.push(deviation);
                }
                Do::Append => {
                    self.deviates("adds to this segment");
                    pieces.extend(meant);
                    behind.extend(bytes);
                }
                Do::Prepend => {
                    self.deviates("puts something before this message");
                    pieces.splice(0..0, meant);
                    before.extend(bytes);
                }
                Do::Withhold => {
                    self.deviates("withholds the reply");
                    self.withheld = true;
                    return;
                }
                Do::Close => {
                    self.closes(Close::Orderly).await;
                    return;
                }
                Do::Cut => {
                    if point == Some(Point::Opening) {
                        // Else it may find the connection gone before it has found it there, and
                        // never have come to the opening.
                        self.let_it_read().await;
                    }
                    self.closes(Close::Cut).await;
                    return;
                }
                Do::EndTls => self.end_tls().await,
                Do::Alert => {}
            }
        }
        let honest = self.codec.say(reply, self.link.is_tls());
        self.lifted.challenge(self.codec.challenges());
        let mut bytes = before;
        bytes.extend(replaced.unwrap_or(honest));
        bytes.extend(behind);
        let layer = self.layer();
        self.event(Event::Said { segment: Segment::new(&pieces), layer, answers });
        let login_or_delivery = answers.is_some_and(Command::is_secret);
        let whole = matches!(pieces.first(), Some(Piece::Whole(Reply::Done | Reply::LoggedIn)));
        if login_or_delivery && whole {
            let delivery = answers == Some(Command::Deliver);
            self.lifted.confirm(Confirmed { delivery, authenticated: self.stage.is_none() });
        }
        self.link.write(&bytes).await;
    }

    /// Says what has to come in segments of its own: the client has read what stood before it, or
    /// has had the time to.
    pub(super) async fn say_apart(&mut self, how: &str) {
        for deviation in std::mem::take(&mut self.apart) {
            self.say_alone(&deviation, how).await;
        }
    }

    /// Says what a deviation says, and nothing else.
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
                // What the client says after that is heard, and not answered.
                self.link.shut().await;
                self.closing = true;
                self.withheld = true;
            }
            // No persona closes in order without a close_notify: a truncated close is cut.
            Close::Truncated | Close::Cut => {
                self.link.cut().await;
                self.over = true;
            }
        }
    }

    /// A last line without its end is still something that the client said.
    pub(super) async fn last_words(&mut self) {
        if self.buffer.is_empty() || (!self.link.is_tls() && record_length(&self.buffer).is_some())
        {
            return;
        }
        self.withheld = true;
        self.closing = true;
        let length = self.buffer.len();
        self.note_unrecorded(length);
        if let Some(heard) = self.codec.cut_last(&self.buffer) {
            self.hear(&heard).await;
        }
    }
}

/// Whether nothing is said where this deviates.
fn is_silence(deviation: &Deviation) -> bool {
    matches!(deviation.action, Do::Withhold | Do::Close | Do::Cut)
}

/// Bytes from hexadecimal; what is none is left out.
fn unhex(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks_exact(2)
        .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}
