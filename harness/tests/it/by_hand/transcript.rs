//! A transcript in words of the wire, read into what a judge is given.
//!
//! This knows nothing of the persona and of the model's server: the stages of a connection, what
//! was delivered and where a secret stood are told here a second time, from the transcript alone.
//! Only the cutting of messages is the codec's.
//!
//! | line | meaning |
//! |---|---|
//! | `C: ...`, `S: ...` | a line in clear; lines of one side that follow each other are one segment |
//! | `C[tls]: ...`, `S[tls]: ...` | the same inside TLS |
//! | `S~: ...` | a line without its end |
//! | `---` | ends a segment |
//! | `(connects)` | a further connection |
//! | `(tls genuine)`, `(tls untrusted)` | ClientHello and a handshake that is completed |
//! | `(tls refuses untrusted)` | ClientHello, and an alert of the client for this certificate |
//! | `(tls failed)`, `(client hello)`, `(tls ends)` | a handshake that fails, one that is not answered, a close_notify |
//! | `(server closes)`, `(server cuts)`, `(client closes)` | the end of the connection |
//! | `(exit N)`, `(signal N)`, `(hangs)`, `(by hand)`, `(prints ...)` | the end of the client |

mod conclusion;
mod words;

use std::collections::VecDeque;

use upward::canary::{Canaries, Challenge, Kind};
use upward::codec::{Codec, Part, ServerSide};
use upward::evidence::{ClearMessage, Dialogue, Evidence, Stage, Step, shows_clear_text};
use upward_model::client::{Close, Peer};
use upward_model::explain::Event;
use upward_model::message::{Command, Layer, Piece, Reply, Segment};
use upward_model::policy::Policy;
use upward_model::protocol::Protocol;
use upward_model::vector::Point;

/// Who reads a transcript.
pub(super) struct Reader<'a> {
    protocol: &'static Protocol,
    codec: &'a dyn Codec,
    canaries: Canaries,
    sessions: &'a [Policy],
    carried: Kind,
    connections: Vec<Connection>,
    challenges: Vec<Challenge>,
    /// Whether a client without data of its own asked for what the server holds.
    fetches: bool,
    evidence: Evidence,
}

struct Connection {
    server: Box<dyn ServerSide>,
    stage: Option<Stage>,
    layer: Layer,
    clear: Vec<u8>,
    inside: Vec<u8>,
    /// What the server said in clear.
    served: Vec<u8>,
    /// Bytes of the client that are not a whole message yet.
    open: Vec<u8>,
    /// The command whose steps are under way: the model knows one command.
    steps: Option<Command>,
    /// Commands that wait for an answer, and whether it is the answer to all of the command.
    waiting: VecDeque<(Command, bool)>,
    events: Vec<Event>,
    /// What the client said inside TLS with an authenticated server.
    said: Dialogue,
    /// Whether the server has spoken there since.
    answered: bool,
    /// Whether the server has closed.
    closed: bool,
}

/// Lines of one side that follow each other.
struct Run {
    client: bool,
    layer: Layer,
    bytes: Vec<u8>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        protocol: &'static Protocol,
        codec: &'a dyn Codec,
        sessions: &'a [Policy],
        carried: Kind,
    ) -> Self {
        Self {
            protocol,
            codec,
            canaries: Canaries::new(1),
            sessions,
            carried,
            connections: Vec::new(),
            challenges: Vec::new(),
            fetches: false,
            evidence: Evidence::default(),
        }
    }

    /// Reads a whole transcript.
    pub(super) fn read(mut self, text: &str) -> Evidence {
        self.connect();
        let mut run: Option<Run> = None;
        for line in text.lines().map(str::trim_start).filter(|line| !line.is_empty()) {
            let Some((client, layer, end, words)) = words::said(line) else {
                self.finish(&mut run);
                if line != "---" {
                    self.happens(line);
                }
                continue;
            };
            if run.as_ref().is_some_and(|run| run.client != client || run.layer != layer) {
                self.finish(&mut run);
            }
            let words = words::filled(words, &self.canaries, &self.challenges);
            let bytes = self.codec.bytes(&format!("{words}{}", if end { "\n" } else { "" }));
            run.get_or_insert_with(|| Run { client, layer, bytes: Vec::new() }).bytes.extend(bytes);
        }
        self.finish(&mut run);
        self.conclude()
    }

    fn finish(&mut self, run: &mut Option<Run>) {
        let Some(run) = run.take() else { return };
        assert_eq!(run.layer, self.connection().layer, "in the wrong layer");
        if run.client { self.client_says(&run.bytes) } else { self.server_says(&run.bytes) }
    }

    fn connect(&mut self) {
        let implicit = self.sessions.last() == Some(&Policy::Implicit);
        if !implicit {
            self.evidence.reached.insert(Point::Opening);
        }
        self.connections.push(Connection {
            server: self.codec.server(&self.canaries),
            stage: Some(Stage::Before),
            layer: Layer::Clear,
            clear: Vec::new(),
            inside: Vec::new(),
            served: Vec::new(),
            open: Vec::new(),
            steps: None,
            waiting: VecDeque::new(),
            events: Vec::new(),
            said: Dialogue::default(),
            answered: false,
            closed: false,
        });
    }

    fn connection(&mut self) -> &mut Connection {
        self.connections.last_mut().unwrap()
    }

    fn client_says(&mut self, bytes: &[u8]) {
        let number = self.connections.len() - 1;
        let connection = self.connections.last_mut().unwrap();
        let stream = match connection.layer {
            Layer::Clear => &mut connection.clear,
            Layer::Tls => &mut connection.inside,
        };
        let mut at = stream.len() - connection.open.len();
        stream.extend_from_slice(bytes);
        connection.open.extend_from_slice(bytes);
        let mut ahead = false;
        while let Some(heard) = connection.server.cut(&connection.open) {
            connection.open.drain(..heard.length);
            let range = at..at + heard.length;
            at = range.end;
            let command = heard.command.unwrap_or(Command::Noop);
            if let Some(stage) = connection.stage {
                let allowed = heard.allowed;
                let command = heard.command;
                self.evidence.clear_messages.push(ClearMessage {
                    connection: number,
                    stage,
                    command,
                    allowed,
                    ahead,
                    range,
                });
            }
            ahead = true;
            if command == Command::Deliver
                && heard.part == Part::Whole
                && self.carried != Kind::Body
            {
                // From here on it is not enough to be logged in.
                self.fetches = true;
                self.evidence.confirmed = false;
                self.evidence.delivered = false;
            }
            let goes_on = connection.steps == Some(command);
            if connection.layer == Layer::Tls && connection.stage.is_none() && !connection.closed {
                let ahead = !connection.said.steps.is_empty() && !connection.answered;
                let word = words::verb(&connection.inside[at - heard.length..at], command);
                connection.said.steps.push(Step { command: heard.command, word, ahead });
                connection.answered = false;
            }
            connection.steps = (heard.part != Part::Whole).then_some(command);
            if !goes_on {
                connection.events.push(Event::Heard(command, connection.layer));
            }
            if heard.part != Part::Silent {
                connection.waiting.push_back((command, heard.part == Part::Whole));
            }
            self.evidence.reached.extend(match (connection.layer, command) {
                (Layer::Clear, Command::Hello) => vec![Point::Capabilities],
                (Layer::Clear, Command::Upgrade) => vec![Point::Upgrade],
                (Layer::Clear, _) => vec![],
                (Layer::Tls, Command::Deliver) => vec![Point::Inside, Point::Delivery],
                (Layer::Tls, command) if command.is_secret() => vec![Point::Inside, Point::Login],
                (Layer::Tls, _) => vec![Point::Inside],
            });
            if command == Command::Upgrade && connection.stage == Some(Stage::Before) {
                connection.stage = Some(Stage::Between);
            }
        }
    }

    fn server_says(&mut self, bytes: &[u8]) {
        let carried = self.carried;
        let needs_tls = self.sessions.last().is_none_or(|policy| policy.needs_tls());
        let mut pieces = self.codec.client().cut(bytes).pieces;
        self.challenges.extend(words::challenges(bytes));
        let fetches = self.fetches;
        let connection = self.connections.last_mut().unwrap();
        connection.answered = true;
        if connection.layer == Layer::Clear {
            connection.served.extend_from_slice(bytes);
        }
        // Unless it is only the answer to a step.
        let mut counts = true;
        let mut answers = None;
        for (index, piece) in pieces.iter_mut().enumerate() {
            let waited = connection.waiting.pop_front();
            if index == 0 {
                answers = waited.map(|(command, _)| command);
            }
            let Some((command, whole)) = waited else { continue };
            counts &= whole || matches!(piece.message(), Reply::Refuse);
            if command == Command::Deliver && bytes.starts_with(b"354") {
                // The model knows one positive reply to each step of a delivery.
                *piece = Piece::Whole(Reply::Done);
            }
            connection.server.say(piece.message(), connection.layer == Layer::Tls);
            if command == Command::Upgrade
                && *piece != Piece::Whole(Reply::Accept)
                && connection.stage == Some(Stage::Between)
            {
                connection.stage = Some(Stage::Failed);
            }
            let confirms = match carried {
                _ if fetches => command == Command::Deliver && *piece == Piece::Whole(Reply::Done),
                Kind::Body => command == Command::Deliver && *piece == Piece::Whole(Reply::Done),
                _ => command.is_secret() && *piece == Piece::Whole(Reply::LoggedIn),
            };
            self.evidence.confirmed |= whole && confirms;
            if whole && confirms && (connection.stage.is_none() || !needs_tls) {
                self.evidence.delivered = true;
            }
        }
        let (segment, layer) = (Segment::new(&pieces), connection.layer);
        if !counts {
            return;
        }
        connection.events.push(Event::Said { segment, layer, answers });
    }

    /// What stands in brackets.
    fn happens(&mut self, line: &str) {
        let words = line.strip_prefix('(').and_then(|line| line.strip_suffix(')'));
        let words = words.unwrap_or_else(|| panic!("what is `{line}`?"));
        let (first, rest) = words.split_once(' ').unwrap_or((words, ""));
        match (first, rest) {
            ("connects", "") => self.connect(),
            ("tls", "failed") => {
                self.hello();
                self.back_in_clear(Event::HandshakeFailed, Stage::Failed);
            }
            ("tls", "ends") => self.back_in_clear(Event::TlsEnded, Stage::After),
            ("tls", how) => {
                self.hello();
                match how.strip_prefix("refuses ") {
                    Some(name) => self.back_in_clear(Event::Handshake(peer(name)), Stage::Failed),
                    None => self.in_tls(peer(how)),
                }
            }
            ("client", "hello") => self.hello(),
            ("server", "closes" | "cuts") => {
                let close = if rest == "cuts" { Close::Cut } else { Close::Orderly };
                let connection = self.connection();
                connection.events.push(Event::Closed(close));
                connection.closed = true;
            }
            ("client", "closes") | ("by", "hand") => {}
            ("exit", code) => {
                self.evidence.claims_success = Some(code == "0");
            }
            ("signal", _) => {
                self.evidence.claims_success = Some(false);
                self.evidence.crashed = true;
            }
            ("hangs", "") => {
                self.evidence.hung = true;
                self.evidence.claims_success = Some(false);
            }
            ("redirected", "") => self.evidence.redirected = true,
            ("prints", text) => self.evidence.shows_clear_text |= shows_clear_text(text.as_bytes()),
            _ => panic!("what is `{line}`?"),
        }
    }

    fn hello(&mut self) {
        self.evidence.reached.insert(Point::Handshake);
        self.connection().events.push(Event::ClientHello);
    }

    fn in_tls(&mut self, peer: Peer) {
        let connection = self.connection();
        connection.events.push(Event::Handshake(peer));
        connection.layer = Layer::Tls;
        connection.stage = (peer != Peer::Genuine).then_some(Stage::Unauthenticated);
        connection.server.reset();
        connection.steps = None;
        connection.open.clear();
        connection.waiting.clear();
    }

    fn back_in_clear(&mut self, event: Event, stage: Stage) {
        let connection = self.connection();
        connection.events.push(event);
        connection.layer = Layer::Clear;
        connection.stage = Some(stage);
        connection.waiting.clear();
    }
}

fn peer(name: &str) -> Peer {
    let all = Peer::FALSE.into_iter().chain([Peer::Genuine]);
    all.into_iter().find(|peer| peer.name() == name).unwrap_or_else(|| panic!("who is `{name}`?"))
}
