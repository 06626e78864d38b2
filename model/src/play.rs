//! One vector played in the model: a client against the persona with its deviations.
//!
//! A play is a walk of the [`World`]: each thing that the persona does is an action of the
//! attacker, so what a play shows is a behaviour that the theorems speak about. Kills, properties
//! at stake and the outcomes of sound variants are all read off plays.

use std::collections::{BTreeSet, VecDeque};

use crate::client::{Client, Close, Output, Peer};
use crate::explain::{Event, Run};
use crate::message::{Command, Layer, Piece, Reply, Segment};
use crate::property::{Properties, Property};
use crate::server::{self, Port, Server};
use crate::vector::{Certificate, Do, Outcome, PeerRecord, Point, SegmentOf};
use crate::world::{Action, State, Transition, Wire, World};

/// The steps after which a play is given up; sound and flawed clients need far fewer.
const MAX_STEPS: usize = 200;

/// What the attacker is going to do, in the model's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The certificate that is shown.
    pub certificate: Peer,
    /// The deviations, in order.
    pub deviations: Vec<Planned>,
}

/// One deviation, in the model's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The session, counted from 1.
    pub session: u8,
    /// The connection, counted from 1; every one if `None`.
    pub connection: Option<u8>,
    /// Where.
    pub at: Point,
    /// What.
    pub action: Do,
    /// What is said.
    pub pieces: Vec<Piece<Reply>>,
    /// Whether it is said in a write of its own.
    pub segment: SegmentOf,
}

impl From<&PeerRecord> for Plan {
    fn from(peer: &PeerRecord) -> Self {
        Self {
            certificate: peer.certificate.into(),
            deviations: peer
                .deviations
                .iter()
                .map(|deviation| Planned {
                    session: deviation.session,
                    connection: deviation.connection,
                    at: deviation.at,
                    action: deviation.action,
                    pieces: deviation.meaning.iter().map(|meaning| meaning.0).collect(),
                    segment: deviation.segment.unwrap_or(SegmentOf::Same),
                })
                .collect(),
        }
    }
}

impl From<Certificate> for Peer {
    fn from(certificate: Certificate) -> Self {
        match certificate {
            Certificate::Genuine => Self::Genuine,
            Certificate::Untrusted => Self::Untrusted,
            Certificate::WrongName => Self::WrongName,
            Certificate::Expired => Self::Expired,
            Certificate::OtherHost => Self::OtherHost,
        }
    }
}

/// One step of a play.
#[derive(Clone, Debug)]
pub struct Played {
    /// The state before.
    pub before: State,
    /// What happened.
    pub action: Action,
    /// Whether a deviation had a part in it.
    pub deviates: bool,
    /// What it led to.
    pub transition: Transition,
}

/// A play from the connection to the end.
#[derive(Clone, Debug)]
pub struct Play {
    /// What happened before the first step: the client connected.
    pub opening: Transition,
    /// The steps, in order.
    pub steps: Vec<Played>,
    /// The points that were reached.
    pub reached: BTreeSet<Point>,
    /// The properties that were broken.
    pub broken: Properties,
    /// What it shows.
    pub outcome: Outcome,
}

impl Play {
    /// What the client did, in order, over the whole play.
    pub fn client_outputs(&self) -> Vec<Output> {
        let steps = self.steps.iter().flat_map(|step| step.transition.client.iter());
        self.opening.client.iter().chain(steps).copied().collect()
    }
}

impl Play {
    /// Whether every session ended in a delivery, as far as the client can tell.
    pub fn delivered(&self) -> bool {
        self.steps.last().is_some_and(|step| step.transition.state.all_delivered())
    }

    /// The play as a peer would have recorded it, connection by connection.
    pub fn lifted(&self) -> Run {
        let mut run = vec![Vec::new()];
        record(&mut run, &self.opening, Layer::Clear);
        for step in &self.steps {
            let layer = match step.before.wire() {
                Wire::Secure | Wire::False(_) => Layer::Tls,
                Wire::Down | Wire::Clear | Wire::Handshake => Layer::Clear,
            };
            let event = match &step.action {
                Action::ToClient(segment) => {
                    Some(Event::Said { segment: segment.clone(), layer, answers: None })
                }
                Action::Handshake(peer) => Some(Event::Handshake(*peer)),
                Action::FailHandshake => Some(Event::HandshakeFailed),
                Action::EndTls => Some(Event::TlsEnded),
                Action::Close(close) => Some(Event::Closed(*close)),
                Action::ToServer(_) | Action::Redial(_) | Action::Deadline => None,
            };
            if let (Some(event), Some(events)) = (event, run.last_mut()) {
                events.push(event);
            }
            let acted_in = match &step.action {
                Action::Handshake(_) => Layer::Tls,
                Action::EndTls | Action::FailHandshake => Layer::Clear,
                _ => layer,
            };
            record(&mut run, &step.transition, acted_in);
        }
        run
    }
}

/// Records what the client did in a transition, and in which layer it began to.
fn record(run: &mut Run, transition: &Transition, began: Layer) {
    let leaves = transition.client.iter().any(|output| matches!(output, Output::Connect(_)));
    let mut layer = match transition.state.wire() {
        // Its last words on a connection that is gone by now.
        _ if leaves => began,
        Wire::Down => began,
        Wire::Secure | Wire::False(_) => Layer::Tls,
        Wire::Clear | Wire::Handshake => Layer::Clear,
    };
    for &output in &transition.client {
        let event = match output {
            Output::Connect(_) => {
                // Every connection but the first begins a record of its own.
                if run.len() > 1 || run.iter().any(|events| !events.is_empty()) {
                    run.push(Vec::new());
                }
                layer = Layer::Clear;
                None
            }
            Output::Send(command) => Some(Event::Heard(command, layer)),
            Output::StartTls => Some(Event::ClientHello),
            _ => None,
        };
        if let (Some(event), Some(events)) = (event, run.last_mut()) {
            events.push(event);
        }
    }
}

/// Plays a plan against the client of a world.
pub fn play<C: Client>(world: &World<C>, plan: &Plan) -> Play {
    let coaxer = Server { coaxes: true, ..*world.server() };
    let opening = world.initial();
    let mut player = Player {
        world,
        plan,
        coaxer,
        state: opening.state.clone(),
        persona: coaxer.start(Port::Upgrade).0,
        heard: VecDeque::new(),
        unsaid: VecDeque::new(),
        inside: false,
        starts_tls: false,
        steps: Vec::new(),
        reached: BTreeSet::new(),
    };
    player.notice(&opening);
    player.run();
    let broken = world.broken(&player.state);
    Play {
        opening,
        outcome: outcome(broken, &player.state),
        broken,
        steps: player.steps,
        reached: player.reached,
    }
}

/// What a run shows, from the properties that it broke and how it ended.
fn outcome(broken: Properties, end: &State) -> Outcome {
    use Property as P;
    let any = |properties: &[Property]| properties.iter().any(|&p| broken.has(p));
    if any(&[P::NoSecretInClear, P::NoSecretToUnauthenticatedPeer, P::NoClearSecondChannel]) {
        Outcome::Leaked
    } else if any(&[
        P::NoClearBytesUsedInsideTls,
        P::ClearKnowledgeForgotten,
        P::SurvivorsOnlyCauseRefusal,
        P::NoJump,
    ]) {
        Outcome::Injected
    } else if any(&[
        P::NothingBetweenRequestAndHandshake,
        P::NoClearRetry,
        P::NoClearRedirect,
        P::TlsNotTakenAway,
        P::PolicyNotFromWire,
        P::NameFromUser,
    ]) {
        Outcome::Downgraded
    } else if broken.has(P::AlwaysEnds) {
        Outcome::Hung
    } else if any(&[P::UserTold, P::TruncationIsNotSuccess]) {
        Outcome::Silent
    } else if end.all_delivered() {
        Outcome::Upgraded
    } else {
        Outcome::Refused
    }
}

/// A play under way.
struct Player<'w, C: Client> {
    world: &'w World<C>,
    plan: &'w Plan,
    coaxer: Server,
    state: State,
    /// The persona on the connection: the server that plays along.
    persona: server::State,
    /// What the client said and the persona has not taken up.
    heard: VecDeque<Command>,
    /// What the persona is about to say, and at which point.
    unsaid: VecDeque<(Option<Point>, Reply)>,
    /// Whether the first words inside TLS were said.
    inside: bool,
    /// Whether the client has sent a ClientHello that waits for an answer.
    starts_tls: bool,
    steps: Vec<Played>,
    reached: BTreeSet<Point>,
}

impl<C: Client> Player<'_, C> {
    fn run(&mut self) {
        while !self.world.is_terminal(&self.state) && self.steps.len() < MAX_STEPS {
            let moved = if self.starts_tls {
                self.meet_client_hello()
            } else if let Some((point, reply)) = self.unsaid.pop_front() {
                self.speak(point, reply)
            } else if let Some(command) = self.heard.pop_front() {
                self.listen(command);
                true
            } else {
                false
            };
            if !moved && !self.give_up() {
                break;
            }
        }
    }

    /// Nothing more can happen: the persona closes, and then the deadline passes.
    fn give_up(&mut self) -> bool {
        if self.state.wire() == Wire::Down {
            self.perform(Action::Deadline, false);
            false
        } else {
            self.perform(Action::Close(Close::Orderly), false)
        }
    }

    fn deviations(&self, at: Point) -> Vec<Planned> {
        let session = self.state.session() + 1;
        let connection = self.state.connection() + 1;
        let here = |planned: &&Planned| {
            planned.at == at
                && planned.session == session
                && planned.connection.is_none_or(|only| only == connection)
        };
        self.plan.deviations.iter().filter(here).cloned().collect()
    }

    /// Performs an action; whether it was possible.
    fn perform(&mut self, action: Action, deviates: bool) -> bool {
        let Some(transition) = self.world.next(&self.state, &action) else { return false };
        let before = std::mem::replace(&mut self.state, transition.state.clone());
        self.notice(&transition);
        self.steps.push(Played { before, action, deviates, transition });
        true
    }

    /// Takes up what the client did.
    fn notice(&mut self, transition: &Transition) {
        for &output in &transition.client {
            match output {
                Output::Connect(target) => {
                    let port = match target {
                        crate::client::Target::Implicit => Port::Implicit,
                        _ => Port::Upgrade,
                    };
                    self.connected(port);
                }
                Output::Send(command) => self.heard.push_back(command),
                Output::StartTls => self.starts_tls = true,
                Output::Close => self.forget(),
                _ => {}
            }
        }
        if self.state.wire() == Wire::Down {
            self.forget();
        }
    }

    fn forget(&mut self) {
        self.heard.clear();
        self.unsaid.clear();
        self.starts_tls = false;
    }

    fn connected(&mut self, port: Port) {
        self.forget();
        self.inside = false;
        let (persona, outputs) = self.coaxer.start(port);
        self.persona = persona;
        if port == Port::Implicit {
            return;
        }
        self.reached.insert(Point::Opening);
        let said = self.words(&outputs);
        let silent = said.is_empty();
        self.unsaid.extend(said.into_iter().map(|reply| (Some(Point::Opening), reply)));
        if silent {
            // The client speaks first: only what does without words can happen here.
            for planned in self.deviations(Point::Opening) {
                if let Do::Close | Do::Cut = planned.action {
                    self.heard.clear();
                    self.unsaid.push_back((Some(Point::Opening), Reply::Bye));
                }
            }
        }
    }

    fn words(&self, outputs: &server::Outputs) -> Vec<Reply> {
        outputs
            .iter()
            .filter_map(|output| match output {
                server::Output::Say { reply, .. } => Some(*reply),
                _ => None,
            })
            .collect()
    }

    /// The persona takes up a command: it works out what to say.
    fn listen(&mut self, command: Command) {
        match self.state.wire() {
            Wire::Secure => {
                // The true server answers; it may say something first by itself.
                self.perform(Action::ToServer(Segment::one(command)), false);
                self.take_true_words(Some(command));
            }
            Wire::Down => {}
            Wire::Clear | Wire::Handshake | Wire::False(_) => {
                self.feed_true_server(command);
                let before = self.persona.clone();
                let input = server::Input::Segment(Segment::one(command));
                let (mut persona, outputs) = self.coaxer.step(&self.persona, &input);
                let point = self.point(command);
                let replaced = command == Command::Upgrade
                    && self
                        .deviations(Point::Upgrade)
                        .iter()
                        .any(|planned| planned.action == Do::Replace);
                if replaced {
                    persona = before;
                }
                self.persona = persona;
                for reply in self.words(&outputs) {
                    self.unsaid.push_back((point, reply));
                }
            }
        }
    }

    /// The client's clear words reach the true server as well, so that TLS can begin there.
    fn feed_true_server(&mut self, command: Command) {
        if matches!(self.state.wire(), Wire::Clear | Wire::Handshake) {
            self.perform(Action::ToServer(Segment::one(command)), false);
        }
    }

    /// Queues what the true server has said inside TLS.
    fn take_true_words(&mut self, command: Option<Command>) {
        let known = self.unsaid.len();
        let said: Vec<Reply> = self.state.replies_under_way().skip(known).collect();
        for reply in said {
            let point = match command {
                Some(command) => self.point(command),
                None => self.inside_point(),
            };
            self.unsaid.push_back((point, reply));
        }
    }

    fn inside_point(&mut self) -> Option<Point> {
        if self.inside {
            return None;
        }
        self.inside = true;
        Some(Point::Inside)
    }

    /// At which point the answer to a command is said.
    fn point(&mut self, command: Command) -> Option<Point> {
        let inside = matches!(self.state.wire(), Wire::Secure | Wire::False(_));
        let named = Point::of(command, inside);
        if inside && !self.inside {
            self.inside = true;
            self.reached.insert(Point::Inside);
            // A deviation at a later point is not lost because it is the first one inside.
            let planned = named.is_some_and(|point| !self.deviations(point).is_empty());
            return if planned { named } else { Some(Point::Inside) };
        }
        named
    }

    /// Says one thing, with what deviates there. Whether anything happened.
    fn speak(&mut self, point: Option<Point>, reply: Reply) -> bool {
        let deviations = match point {
            Some(point) => {
                self.reached.insert(point);
                self.deviations(point)
            }
            None => Vec::new(),
        };
        let mut whole = vec![Piece::Whole(reply)];
        let mut after: Vec<Vec<Piece<Reply>>> = Vec::new();
        let deviates = !deviations.is_empty();
        for planned in deviations {
            match planned.action {
                Do::Replace => whole = planned.pieces,
                Do::Append if planned.segment == SegmentOf::Same => whole.extend(planned.pieces),
                Do::Append => after.push(planned.pieces),
                Do::Prepend => {
                    let mut pieces = planned.pieces;
                    pieces.append(&mut whole);
                    whole = pieces;
                }
                Do::Withhold => {
                    self.unsaid.clear();
                    return self.withhold();
                }
                Do::Close => return self.perform(Action::Close(Close::Orderly), true),
                Do::Cut => return self.perform(Action::Close(Close::Cut), true),
                Do::EndTls => {
                    if self.state.wire() == Wire::Secure {
                        self.perform(Action::EndTls, true);
                        self.persona.layer = Layer::Clear;
                        self.persona.phase = server::Phase::Ready;
                    }
                }
                Do::Alert => {}
            }
        }
        self.perform(Action::ToClient(Segment::new(&whole)), deviates);
        for pieces in after {
            if !self.world.is_terminal(&self.state) {
                self.perform(Action::ToClient(Segment::new(&pieces)), true);
            }
        }
        true
    }

    /// The true reply is held back; only what the client does by itself can follow.
    fn withhold(&mut self) -> bool {
        match self.heard.pop_front() {
            Some(command) => {
                self.listen(command);
                self.unsaid.clear();
                true
            }
            None => false,
        }
    }

    /// A ClientHello has come; what the client said before it is taken up first.
    fn meet_client_hello(&mut self) -> bool {
        while let Some(command) = self.heard.pop_front() {
            self.listen(command);
        }
        while let Some((point, reply)) = self.unsaid.pop_front() {
            let withheld = |planned: &Planned| planned.action == Do::Withhold;
            let swallowed = point.is_some_and(|at| self.deviations(at).iter().any(withheld));
            if !swallowed {
                // A clear answer where the client listens for TLS.
                self.starts_tls = false;
                return self.speak(point, reply);
            }
        }
        self.handshake()
    }

    fn handshake(&mut self) -> bool {
        self.starts_tls = false;
        self.reached.insert(Point::Handshake);
        if let Some(planned) = self.deviations(Point::Handshake).into_iter().next() {
            self.persona.phase = server::Phase::Ready;
            self.persona.layer = Layer::Clear;
            return match planned.action {
                Do::Withhold => false,
                Do::Close => self.perform(Action::Close(Close::Orderly), true),
                Do::Cut => self.perform(Action::Close(Close::Cut), true),
                Do::Replace | Do::Append | Do::Prepend if !planned.pieces.is_empty() => {
                    self.perform(Action::ToClient(Segment::new(&planned.pieces)), true)
                }
                _ => self.perform(Action::FailHandshake, true),
            };
        }
        let peer = self.plan.certificate;
        if peer != Peer::Genuine {
            self.persona.phase = server::Phase::AwaitsTls;
            let (persona, outputs) = self.coaxer.step(&self.persona, &server::Input::TlsStarted);
            self.persona = persona;
            let words = self.words(&outputs);
            let done = self.perform(Action::Handshake(peer), true);
            for reply in words {
                let point = self.inside_point();
                self.unsaid.push_back((point, reply));
            }
            return done;
        }
        if self.perform(Action::Handshake(Peer::Genuine), false) {
            self.take_true_words(None);
            true
        } else {
            self.persona.phase = server::Phase::Ready;
            self.perform(Action::FailHandshake, false)
        }
    }
}
