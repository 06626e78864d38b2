//! One connection of a persona.

mod listen;
mod secure;
mod speak;

use upward_model::client::Close;
use upward_model::explain::Event;
use upward_model::message::{Command, Layer};
use upward_model::server::{self, Port, Server};
use upward_model::vector::{Deviation, Do, Point};

use super::Persona;
use crate::codec::ServerSide;
use crate::evidence::{Confirmed, Lifted, Message, Stage};
use crate::link::{self, Stream};
use crate::wire::{Record, What};

/// One connection of a persona.
pub(super) struct Connection {
    persona: Persona,
    record: Record,
    lifted: Lifted,
    number: usize,
    link: link::ServerLink,
    codec: Box<dyn ServerSide>,
    state: server::State,
    /// Bytes that were received and not parsed yet.
    buffer: Vec<u8>,
    /// How many of them, at the end of the buffer, are not recorded yet: TLS may begin there.
    unrecorded: usize,
    /// How many bytes of this layer were parsed.
    taken_up: usize,
    /// The stage of the connection.
    stage: Option<Stage>,
    /// Whether the first reply inside TLS was sent.
    inside: bool,
    /// Whether replies are withheld.
    withheld: bool,
    /// Whether a deviation was performed: the client may then wait for something that never comes.
    deviated: bool,
    /// Whether TLS records are skipped: the handshake was refused.
    refuses_tls: bool,
    /// How far the persona has closed.
    closing: Closing,
    /// Whether the client, which speaks first here, has not spoken yet.
    silent: bool,
    /// Deviations that are sent in a segment of their own, once the client has read the previous one.
    apart: Vec<Deviation>,
    /// The number of events when the last bytes were received.
    arrived: usize,
    /// The command whose steps are being received.
    open: Option<Command>,
    /// Whether the last step inside TLS was not answered.
    unanswered: bool,
}

/// How far a persona has closed a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Closing {
    /// The connection is open.
    No,
    /// The persona has closed its direction, and still reads.
    Listens,
    /// The connection is closed.
    Over,
}

impl Connection {
    pub(super) fn new(
        persona: Persona,
        record: Record,
        lifted: Lifted,
        number: usize,
        stream: Stream,
    ) -> Self {
        let mut codec = persona.codec.server(&persona.canaries);
        codec.learn(&persona.lesson);
        let port = if persona.implicit { Port::Implicit } else { Port::Upgrade };
        let (state, _) = Server::honest(persona.protocol).start(port);
        Self {
            link: link::ServerLink::new(stream, record.clone(), number.into()),
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
            closing: Closing::No,
            silent: false,
            apart: Vec::new(),
            arrived: 0,
            open: None,
            unanswered: false,
        }
    }

    /// Serves the connection to its end.
    pub(super) async fn run(mut self) {
        self.record.push(self.number, What::Connected);
        self.serve().await;
        self.lifted.learn(self.codec.lesson());
        self.link.close().await;
    }

    async fn serve(&mut self) {
        if self.persona.implicit {
            // A client that sends nothing waits for a greeting, so it does not start with TLS.
            match tokio::time::timeout(self.persona.patience, self.link.read()).await {
                Ok(Ok(bytes)) if !bytes.is_empty() => {
                    self.take_in(&bytes);
                    self.take_up().await;
                }
                Ok(_) => return,
                Err(_) => self.open_in_clear().await,
            }
        } else {
            self.open_in_clear().await;
        }
        while self.closing != Closing::Over {
            let read = if self.deviated || !self.apart.is_empty() {
                match tokio::time::timeout(self.persona.patience, self.link.read()).await {
                    Ok(read) => read,
                    Err(_) if self.closing == Closing::Listens => return,
                    Err(_) if !self.apart.is_empty() => {
                        self.say_apart("adds a segment to what was not answered").await;
                        continue;
                    }
                    Err(_) => {
                        // The client sends nothing more: the persona closes.
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
                    let how = match (ended.is_ok(), self.link.is_tls()) {
                        (true, _) => "",
                        (false, true) => " without a close_notify",
                        (false, false) => " with a reset",
                    };
                    let what = What::Closed(crate::wire::Side::Client, how.to_owned());
                    self.record.push(self.number, what);
                    self.last_words().await;
                    return;
                }
            };
            self.take_in(&bytes);
            self.take_up().await;
        }
    }

    async fn open_in_clear(&mut self) {
        {
            let (state, outputs) = self.server().start(Port::Upgrade);
            self.state = state;
            self.lifted.reach(Point::Opening);
            let words = server::words(&outputs);
            // If the client speaks first, deviations at the opening are performed after its first
            // command.
            self.silent = words.is_empty();
            for reply in words {
                self.say(Some(Point::Opening), reply, None).await;
            }
        }
    }

    /// The client has spoken first: only the connection itself can be closed or left without an answer.
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
}
