//! One connection of a persona.

use tokio::net::TcpStream;
use upward_model::client::{Close, Peer};
use upward_model::explain::Event;
use upward_model::message::{Command, Layer, Piece, Reply, Segment};
use upward_model::server::{self, Port, Server};
use upward_model::vector::{Deviation, Do, Point, SegmentOf};

use super::link::{Handshake, Link};
use super::{Confirmed, Lifted, Persona, Sight};
use crate::codec::{Heard, Part, ServerSide};
use crate::judge::Stage;
use crate::tls::record_length;
use crate::wire::{Form, Record, What};

/// A fatal alert, as a server sends it that cannot agree on a handshake (RFC 8446 section 6).
const HANDSHAKE_FAILURE: [u8; 7] = [0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28];

/// One connection of a persona.
pub(super) struct Connection {
    persona: Persona,
    record: Record,
    lifted: Lifted,
    number: usize,
    link: Link,
    codec: Box<dyn ServerSide>,
    state: server::State,
    /// Bytes that have come and are not taken up.
    buffer: Vec<u8>,
    /// How many of them, at the end, are not recorded yet: TLS may begin there.
    unrecorded: usize,
    /// How many bytes of this layer were taken up.
    taken_up: usize,
    /// Where the connection is.
    stage: Option<Stage>,
    /// Whether the first words inside TLS were said.
    inside: bool,
    /// Whether nothing is answered any more.
    withheld: bool,
    /// Whether a deviation was performed: the client may then wait for something that never comes.
    deviated: bool,
    /// Whether TLS records are skipped: the handshake was refused.
    refuses_tls: bool,
    over: bool,
    /// Whether nobody has spoken yet, on a connection where the client speaks first.
    silent: bool,
    /// What is said in a segment of its own, once the one before it has been read.
    apart: Vec<Deviation>,
    /// How many events there were when the last bytes came.
    arrived: usize,
    /// Whether the persona has closed, and only listens.
    closing: bool,
    /// The command whose steps are under way.
    open: Option<Command>,
}

impl Connection {
    pub(super) fn new(
        persona: Persona,
        record: Record,
        lifted: Lifted,
        number: usize,
        stream: TcpStream,
    ) -> Self {
        let codec = persona.codec.server(&persona.canaries);
        let port = if persona.implicit { Port::Implicit } else { Port::Upgrade };
        let (state, _) = Server::honest(persona.protocol).start(port);
        Self {
            link: Link::new(stream, record.clone(), number),
            persona,
            record,
            lifted,
            number,
            codec,
            state,
            buffer: Vec::new(),
            unrecorded: 0,
            taken_up: 0,
            stage: Some(Stage::Before),
            inside: false,
            withheld: false,
            deviated: false,
            refuses_tls: false,
            over: false,
            silent: false,
            apart: Vec::new(),
            arrived: 0,
            closing: false,
            open: None,
        }
    }

    /// Serves the connection to its end.
    pub(super) async fn run(mut self) {
        self.record.push(self.number, What::Connected);
        if self.serve().await.is_err() {
            self.over = true;
        }
        self.link.close().await;
    }

    async fn serve(&mut self) -> std::io::Result<()> {
        if self.persona.implicit {
            // Whoever says nothing waits for a greeting: no TLS client does.
            match tokio::time::timeout(self.persona.patience, self.link.read()).await {
                Ok(Ok(bytes)) if !bytes.is_empty() => {
                    self.take_in(&bytes);
                    self.take_up().await?;
                }
                Ok(_) => return Ok(()),
                Err(_) => self.open_in_clear().await?,
            }
        } else {
            self.open_in_clear().await?;
        }
        while !self.over {
            let read = if self.deviated {
                match tokio::time::timeout(self.persona.patience, self.link.read()).await {
                    Ok(read) => read,
                    Err(_) if self.closing => return Ok(()),
                    Err(_) => {
                        // Nothing more can be expected of the client: the persona closes.
                        self.closes(Close::Orderly).await;
                        continue;
                    }
                }
            } else {
                self.link.read().await
            };
            let bytes = match read {
                Ok(bytes) if !bytes.is_empty() => bytes,
                ended => {
                    let how = if ended.is_ok() { "" } else { " without saying so" };
                    let what = What::Closed(crate::wire::Side::Client, how.to_owned());
                    self.record.push(self.number, what);
                    self.last_words().await;
                    return Ok(());
                }
            };
            self.take_in(&bytes);
            self.take_up().await?;
        }
        Ok(())
    }

    /// A last line without its end is still something that the client said.
    async fn last_words(&mut self) {
        if self.buffer.is_empty() || (!self.link.is_tls() && record_length(&self.buffer).is_some())
        {
            return;
        }
        self.withheld = true;
        self.closing = true;
        let length = self.buffer.len();
        self.note_unrecorded(length);
        let ended = [&self.buffer[..], b"\r\n"].concat();
        if let Some(heard) = self.codec.cut(&ended) {
            let length = heard.length.min(length);
            let _ = self.hear(&Heard { length, part: Part::Silent, ..heard }).await;
        }
    }

    async fn open_in_clear(&mut self) -> std::io::Result<()> {
        {
            let (state, outputs) = self.server().start(Port::Upgrade);
            self.state = state;
            self.lifted.reach(Point::Opening);
            let words = words(&outputs);
            // Where the client speaks first, what deviates at the opening happens once it has.
            self.silent = words.is_empty();
            for reply in words {
                self.say(Some(Point::Opening), reply, None).await?;
            }
        }
        Ok(())
    }

    /// The client has spoken first: all that can be refused is the connection itself.
    async fn silent_opening(&mut self) {
        for deviation in self.deviations(Point::Opening) {
            match deviation.action {
                Do::Close => self.closes(Close::Orderly).await,
                Do::Cut => self.closes(Close::Cut).await,
                Do::Withhold => {
                    self.deviates("does not answer");
                    self.withheld = true;
                }
                _ => {}
            }
        }
    }

    fn server(&self) -> Server {
        let secure = self.stage.is_none();
        Server { coaxes: !secure, ..Server::honest(self.persona.protocol) }
    }

    fn layer(&self) -> Layer {
        if self.link.is_tls() { Layer::Tls } else { Layer::Clear }
    }

    fn event(&self, event: Event) {
        self.lifted.push(self.number, event);
    }

    fn deviations(&self, at: Point) -> Vec<Deviation> {
        let connection = u8::try_from(self.number + 1).unwrap_or(u8::MAX);
        let here = |deviation: &&Deviation| {
            deviation.at == at
                && deviation.connection.is_none_or(|only| only == connection)
                && (!self.persona.two_sessions || deviation.session == connection)
        };
        self.persona.peer.deviations.iter().filter(here).cloned().collect()
    }

    fn deviates(&mut self, how: &str) {
        self.deviated = true;
        self.record.push(self.number, What::Deviates(how.to_owned()));
    }

    /// Takes in what was read. Bytes in clear are recorded, up to where TLS may begin.
    fn take_in(&mut self, bytes: &[u8]) {
        self.arrived = self.lifted.events(self.number);
        self.buffer.extend_from_slice(bytes);
        if self.link.is_tls() {
            return;
        }
        if self.unrecorded > 0 {
            // It may belong to the record whose head has come.
            self.unrecorded += bytes.len();
            return;
        }
        let at_start = self.buffer.len() == bytes.len() && self.codec.at_boundary();
        let begins = |at: usize| {
            record_length(&bytes[at..]).is_some()
                && (if at == 0 { at_start } else { bytes[at - 1] == b'\n' })
        };
        let clear = (0..bytes.len()).find(|&at| begins(at)).unwrap_or(bytes.len());
        self.link.note_clear(Form::Clear, &bytes[..clear]);
        self.unrecorded = bytes.len() - clear;
    }

    /// Takes up all complete messages, and what is TLS.
    async fn take_up(&mut self) -> std::io::Result<()> {
        while !self.over && !self.buffer.is_empty() {
            if !self.link.is_tls()
                && self.codec.at_boundary()
                && record_length(&self.buffer).is_some()
            {
                if self.refuses_tls {
                    if !self.skip_record() {
                        break;
                    }
                } else {
                    self.client_hello().await?;
                }
                continue;
            }
            let Some(heard) = self.codec.cut(&self.buffer) else { break };
            self.note_unrecorded(heard.length);
            self.buffer.drain(..heard.length);
            self.hear(&heard).await?;
        }
        // Only what is the head of a record still waits for its tail.
        let record = self.codec.at_boundary() && record_length(&self.buffer).is_some();
        if !self.link.is_tls() && !record {
            self.note_unrecorded(self.buffer.len());
        }
        Ok(())
    }

    /// Records bytes that looked like TLS and are not.
    fn note_unrecorded(&mut self, length: usize) {
        let recorded = self.buffer.len() - self.unrecorded.min(self.buffer.len());
        if length > recorded {
            self.link.note_clear(Form::Clear, &self.buffer[recorded..length]);
            self.unrecorded -= length - recorded;
        }
    }

    /// Drops a TLS record that nobody waits for; whether it was complete.
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

    async fn hear(&mut self, heard: &Heard) -> std::io::Result<()> {
        let range = self.taken_up..self.taken_up + heard.length;
        self.taken_up = range.end;
        self.lifted.sight(Sight {
            connection: self.number,
            stage: self.stage,
            command: heard.command,
            allowed: heard.allowed,
            range,
        });
        // What is not of the protocol is for the language oracle; no client of the model says it.
        let command = heard.command.unwrap_or(Command::Noop);
        // The steps of a command are one command of the model, said with the first of them.
        let goes_on = self.open == Some(command);
        self.open = (heard.part != Part::Whole).then_some(command);
        if !goes_on {
            // It had come before whatever was said since the last read.
            let event = Event::Heard(command, self.layer());
            self.lifted.insert(self.number, self.arrived, event);
            self.arrived += 1;
        }
        if std::mem::take(&mut self.silent) {
            self.silent_opening().await;
            if self.over || self.closing {
                return Ok(());
            }
        }
        if !self.link.is_tls() {
            // Silence in clear is for one reply: what the client says next without it is heard, and
            // answered.
            self.withheld = self.closing;
            if self.state.phase == server::Phase::AwaitsTls {
                // It was granted TLS and goes on in clear.
                self.state.phase = server::Phase::Ready;
            }
        }
        match heard.part {
            Part::Step(reply) => return self.say_part(reply).await,
            Part::Silent => return Ok(()),
            Part::Whole => {}
        }
        if heard.command.is_none() {
            return self.say(None, Reply::Refuse, Some(command)).await;
        }
        let point = self.point(command);
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
        for reply in words(&outputs) {
            self.say(point, reply, Some(command)).await?;
        }
        if command == Command::Goodbye && !self.closing {
            self.link.shut().await;
            self.closing = true;
            self.withheld = true;
            self.deviated = true;
        }
        Ok(())
    }

    /// At which point the answer to a command is said.
    fn point(&mut self, command: Command) -> Option<Point> {
        let inside = self.link.is_tls();
        let named = Point::of(command, inside);
        if inside && !self.inside {
            self.inside = true;
            self.lifted.reach(Point::Inside);
            let planned = named.is_some_and(|point| !self.deviations(point).is_empty());
            return if planned { named } else { Some(Point::Inside) };
        }
        named
    }

    /// Answers a step of a command that has several.
    async fn say_part(&mut self, reply: Reply) -> std::io::Result<()> {
        if self.withheld {
            return Ok(());
        }
        let bytes = self.codec.say(reply, self.link.is_tls());
        self.lifted.challenge(self.codec.challenges());
        self.link.write(&bytes).await
    }

    /// Says one thing, with what deviates there.
    async fn say(
        &mut self,
        point: Option<Point>,
        reply: Reply,
        answers: Option<Command>,
    ) -> std::io::Result<()> {
        let deviations = match point {
            Some(point) => {
                self.lifted.reach(point);
                self.deviations(point)
            }
            None => Vec::new(),
        };
        if self.withheld || self.over {
            return Ok(());
        }
        let mut pieces = vec![Piece::Whole(reply)];
        let mut replaced: Option<Vec<u8>> = None;
        let (mut before, mut behind) = (Vec::new(), Vec::new());
        for deviation in deviations {
            let meant: Vec<Piece<Reply>> = deviation.meaning.iter().map(|m| m.0).collect();
            let bytes = self.bytes(&deviation);
            match deviation.action {
                Do::Replace => {
                    self.deviates("replaces this message");
                    pieces = meant;
                    replaced = Some(bytes);
                }
                Do::Append if deviation.segment == Some(SegmentOf::Own) => {
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
                    return Ok(());
                }
                Do::Close => {
                    self.closes(Close::Orderly).await;
                    return Ok(());
                }
                Do::Cut => {
                    self.closes(Close::Cut).await;
                    return Ok(());
                }
                Do::EndTls => self.end_tls().await?,
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
        self.link.write(&bytes).await?;
        Ok(())
    }

    fn bytes(&self, deviation: &Deviation) -> Vec<u8> {
        match (&deviation.text, &deviation.hex) {
            (Some(text), _) => self.persona.codec.bytes(text),
            (None, Some(hex)) => unhex(hex),
            (None, None) => Vec::new(),
        }
    }

    async fn closes(&mut self, close: Close) {
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
            Close::Cut => {
                self.link.cut().await;
                self.over = true;
            }
        }
    }

    async fn end_tls(&mut self) -> std::io::Result<()> {
        if !self.link.is_tls() {
            return Ok(());
        }
        self.deviates("ends TLS and keeps the connection");
        self.event(Event::TlsEnded);
        self.link.end_tls().await?;
        self.in_clear_again(Stage::After);
        Ok(())
    }

    /// What comes now is clear text, whatever was agreed before.
    fn in_clear_again(&mut self, stage: Stage) {
        self.stage = Some(stage);
        self.refuses_tls = true;
        self.deviated = true;
        self.state.layer = Layer::Clear;
        self.state.phase = server::Phase::Ready;
        self.taken_up =
            self.record.stream(self.number, crate::wire::Side::Client, Form::Clear).len();
    }

    /// TLS begins, or would.
    async fn client_hello(&mut self) -> std::io::Result<()> {
        self.lifted.reach(Point::Handshake);
        self.lifted.insert(self.number, self.arrived, Event::ClientHello);
        self.arrived += 1;
        if let Some(deviation) = self.deviations(Point::Handshake).into_iter().next() {
            return self.refuse_handshake(&deviation).await;
        }
        // The client has read the reply before it sent this: what comes now is a later segment.
        for deviation in std::mem::take(&mut self.apart) {
            self.deviates("adds a segment before the ServerHello");
            let meant: Vec<Piece<Reply>> = deviation.meaning.iter().map(|m| m.0).collect();
            let (segment, layer) = (Segment::new(&meant), Layer::Clear);
            self.event(Event::Said { segment, layer, answers: None });
            let bytes = self.bytes(&deviation);
            self.link.write(&bytes).await?;
        }
        let peer = self.persona.certificate();
        let config = self.persona.certificates.server(peer);
        let first = std::mem::take(&mut self.buffer);
        self.unrecorded = 0;
        match self.link.handshake(config, first).await {
            Handshake::Done => {
                self.event(Event::Handshake(peer));
                self.in_tls(peer).await
            }
            Handshake::Failed(bytes) => {
                // A client that refuses a bad certificate has seen it.
                let refused = peer != Peer::Genuine && crate::tls::clear_tail(&bytes).is_none();
                let failed = Event::HandshakeFailed;
                self.event(if refused { Event::Handshake(peer) } else { failed });
                let stage = if refused { Stage::Unauthenticated } else { Stage::Failed };
                self.in_clear_again(if refused { Stage::Failed } else { stage });
                if let Some(tail) = crate::tls::clear_tail(&bytes) {
                    self.link.note_clear(Form::Clear, tail);
                    self.buffer = tail.to_vec();
                }
                Ok(())
            }
        }
    }

    async fn in_tls(&mut self, peer: Peer) -> std::io::Result<()> {
        self.codec.reset();
        self.open = None;
        self.taken_up = 0;
        self.buffer.clear();
        let genuine = peer == Peer::Genuine;
        self.stage = if genuine { None } else { Some(Stage::Unauthenticated) };
        if !genuine {
            self.deviates("has ended TLS with a certificate of its own");
        }
        self.state.phase = server::Phase::AwaitsTls;
        let (state, outputs) = self.server().step(&self.state, &server::Input::TlsStarted);
        self.state = state;
        for reply in words(&outputs) {
            self.inside = true;
            self.say(Some(Point::Inside), reply, None).await?;
        }
        Ok(())
    }

    async fn refuse_handshake(&mut self, deviation: &Deviation) -> std::io::Result<()> {
        self.in_clear_again(Stage::Failed);
        match deviation.action {
            Do::Alert => {
                self.deviates("answers the ClientHello with a fatal alert");
                self.event(Event::HandshakeFailed);
                self.link.write(&HANDSHAKE_FAILURE).await
            }
            Do::Close | Do::Cut => {
                let orderly = deviation.action == Do::Close;
                self.closes(if orderly { Close::Orderly } else { Close::Cut }).await;
                Ok(())
            }
            Do::Replace | Do::Append | Do::Prepend => {
                self.deviates("answers the ClientHello in clear");
                let meant: Vec<Piece<Reply>> = deviation.meaning.iter().map(|m| m.0).collect();
                let bytes = self.bytes(deviation);
                let segment = Segment::new(&meant);
                self.event(Event::Said { segment, layer: Layer::Clear, answers: None });
                self.link.write(&bytes).await
            }
            Do::Withhold | Do::EndTls => {
                self.deviates("does not answer the ClientHello");
                self.withheld = true;
                Ok(())
            }
        }
    }
}

fn words(outputs: &server::Outputs) -> Vec<Reply> {
    outputs
        .iter()
        .filter_map(|output| match output {
            server::Output::Say { reply, .. } => Some(*reply),
            _ => None,
        })
        .collect()
}

/// Bytes from hexadecimal; what is none is left out.
fn unhex(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks_exact(2)
        .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}
