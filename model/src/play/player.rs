//! The persona in a play: it receives, replies, and deviates where the plan says so.

use std::collections::{BTreeSet, VecDeque};

use super::plan::{Plan, Planned};
use super::{MAX_STEPS, Played};
use crate::client::{Client, Close, Output, Peer};
use crate::message::{Command, Reply, Segment};
use crate::server::{self, Port, Server};
use crate::vector::{Do, Point};
use crate::world::{Action, State, Transition, Wire, World};

/// A play in progress.
pub(super) struct Player<'w, C: Client> {
    pub(super) world: &'w World<C>,
    pub(super) plan: &'w Plan,
    pub(super) coaxer: Server,
    pub(super) state: State,
    /// The persona's state: the server that plays along.
    pub(super) persona: server::State,
    /// The client's commands that the persona has not processed yet.
    pub(super) heard: VecDeque<Command>,
    /// The persona's next replies, each with its point.
    pub(super) unsaid: VecDeque<(Option<Point>, Reply)>,
    /// Whether the first reply inside TLS was sent.
    pub(super) inside: bool,
    /// Whether the client has sent a ClientHello that waits for an answer.
    pub(super) starts_tls: bool,
    pub(super) steps: Vec<Played>,
    pub(super) reached: BTreeSet<Point>,
    /// The point at which it sends.
    pub(super) at: Option<Point>,
}

impl<C: Client> Player<'_, C> {
    pub(super) fn run(&mut self) {
        while !self.world.is_terminal(&self.state) && self.steps.len() < MAX_STEPS {
            self.at = None;
            if self.perform(Action::Channel(Peer::Genuine), false) {
                continue;
            }
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

    /// Nothing else is possible: the persona closes, and then the deadline passes.
    fn give_up(&mut self) -> bool {
        if self.state.wire() == Wire::Down {
            self.perform(Action::Deadline, false);
            false
        } else {
            self.perform(Action::Close(Close::Orderly), false)
        }
    }

    pub(super) fn deviations(&self, at: Point) -> Vec<Planned> {
        let session = self.state.session() + 1;
        let connection = self.state.connection() + 1;
        let here = |planned: &&Planned| {
            planned.at == at
                && planned.session == session
                && planned.connection.is_none_or(|only| only == connection)
        };
        self.plan.deviations.iter().filter(here).cloned().collect()
    }

    /// Performs an action; returns whether it was possible.
    pub(super) fn perform(&mut self, action: Action, deviates: bool) -> bool {
        let Some(transition) = self.world.next(&self.state, &action) else { return false };
        let before = std::mem::replace(&mut self.state, transition.state.clone());
        self.notice(&transition);
        self.steps.push(Played { before, action, deviates, at: self.at, transition });
        true
    }

    /// Processes the client's outputs.
    pub(super) fn notice(&mut self, transition: &Transition) {
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

    pub(super) fn connected(&mut self, port: Port) {
        self.forget();
        self.inside = false;
        let (persona, outputs) = self.coaxer.start(port);
        self.persona = persona;
        if port == Port::Implicit {
            return;
        }
        self.reached.insert(Point::Opening);
        let said = server::words(&outputs);
        let silent = said.is_empty();
        self.unsaid.extend(said.into_iter().map(|reply| (Some(Point::Opening), reply)));
        if silent {
            // The client speaks first: only deviations without a message are possible here.
            for planned in self.deviations(Point::Opening) {
                if let Do::Close | Do::Cut = planned.action {
                    self.heard.clear();
                    self.unsaid.push_back((Some(Point::Opening), Reply::Bye));
                }
            }
        }
    }

    /// The persona processes a command, and computes its replies.
    pub(super) fn listen(&mut self, command: Command) {
        match self.state.wire() {
            Wire::Secure => {
                // The true server answers; it may send something of its own first.
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
                for reply in server::words(&outputs) {
                    self.unsaid.push_back((point, reply));
                }
            }
        }
    }

    /// The true server also receives the client's clear commands, so that TLS can begin there.
    fn feed_true_server(&mut self, command: Command) {
        if matches!(self.state.wire(), Wire::Clear | Wire::Handshake) {
            self.perform(Action::ToServer(Segment::one(command)), false);
        }
    }

    /// Queues the true server's replies inside TLS.
    pub(super) fn take_true_words(&mut self, command: Option<Command>) {
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

    pub(super) fn inside_point(&mut self) -> Option<Point> {
        if self.inside {
            return None;
        }
        self.inside = true;
        Some(Point::Inside)
    }

    /// The point at which a command is answered.
    pub(super) fn point(&mut self, command: Command) -> Option<Point> {
        let inside = matches!(self.state.wire(), Wire::Secure | Wire::False(_));
        if inside && !self.inside {
            self.inside = true;
            self.reached.insert(Point::Inside);
            // The first answer inside TLS also reaches the point of its command.
            self.reached.extend(Point::of(command, true));
            let planned = |point| !self.deviations(point).is_empty();
            return Some(Point::of_first_inside(command, planned));
        }
        Point::of(command, inside)
    }
}
