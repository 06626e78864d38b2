//! The persona's record of a run in the model's alphabet, with the place of each message in the bytes.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use upward_model::explain::{Event, Run};
use upward_model::message::Command;
use upward_model::vector::Point;

use super::Stage;
use crate::canary::Challenge;
use crate::codec::Lesson;

/// The persona's record of a run; all clones share it.
#[derive(Clone, Debug, Default)]
pub struct Lifted {
    inner: Arc<Mutex<Seen>>,
}

/// The contents of the record.
#[derive(Clone, Debug, Default)]
struct Seen {
    run: Run,
    reached: BTreeSet<Point>,
    messages: Vec<Message>,
    challenges: Vec<Challenge>,
    confirmed: Vec<Confirmed>,
    redirected: bool,
    lesson: Lesson,
}

/// A login or a delivery that the persona confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confirmed {
    /// Whether it is a delivery; else a login.
    pub delivery: bool,
    /// Whether it was confirmed inside authenticated TLS.
    pub authenticated: bool,
}

/// A message of the client, and its place in the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The connection, counted from 0.
    pub connection: usize,
    /// Its stage; `None` inside TLS with an authenticated peer.
    pub stage: Option<Stage>,
    /// Its command; `None` if it is not of the protocol.
    pub command: Option<Command>,
    /// Whether it is of the allowed clear-text language.
    pub allowed: bool,
    /// Its place in the bytes that the client sent on that connection in that layer.
    pub range: Range<usize>,
}

/// The most messages of a run that are processed; a client that sends more is disconnected. The time
/// for judging grows with their number.
const MESSAGES: usize = 2000;

/// The most challenges of a run. For each, the search looks for all values that a client derives from
/// it.
const CHALLENGES: usize = 64;

impl Lifted {
    fn with<R>(&self, change: impl FnOnce(&mut Seen) -> R) -> R {
        change(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn open(&self, connection: usize) {
        self.with(|seen| seen.run.resize(seen.run.len().max(connection + 1), Vec::new()));
    }

    pub(crate) fn push(&self, connection: usize, event: Event) {
        self.with(|seen| {
            if let Some(events) = seen.run.get_mut(connection) {
                events.push(event);
            }
        });
    }

    /// How many events a connection has.
    pub(crate) fn events(&self, connection: usize) -> usize {
        self.with(|seen| seen.run.get(connection).map_or(0, Vec::len))
    }

    /// Inserts a message before the events from `at` on: it was received before them, and parsed later.
    pub(crate) fn insert(&self, connection: usize, at: usize, event: Event) {
        self.with(|seen| {
            if let Some(events) = seen.run.get_mut(connection) {
                events.insert(at.min(events.len()), event);
            }
        });
    }

    pub(crate) fn reach(&self, point: Point) {
        self.with(|seen| seen.reached.insert(point));
    }

    pub(crate) fn message(&self, message: Message) {
        self.with(|seen| seen.messages.push(message));
    }

    /// Whether a limit on messages or challenges is reached.
    pub fn is_full(&self) -> bool {
        self.with(|seen| seen.messages.len() >= MESSAGES || seen.challenges.len() >= CHALLENGES)
    }

    pub(crate) fn challenge(&self, challenges: Vec<Challenge>) {
        self.with(|seen| {
            for challenge in challenges {
                if !seen.challenges.contains(&challenge) {
                    seen.challenges.push(challenge);
                }
            }
        });
    }

    pub(crate) fn confirm(&self, confirmed: Confirmed) {
        self.with(|seen| seen.confirmed.push(confirmed));
    }

    /// Keeps a connection's lesson if it has more tags than the ones before.
    pub(crate) fn learn(&self, lesson: Lesson) {
        self.with(|seen| {
            if lesson.tags.len() > seen.lesson.tags.len() {
                seen.lesson = lesson;
            }
        });
    }

    pub(crate) fn redirect(&self) {
        self.with(|seen| seen.redirected = true);
    }

    /// The run in the model's alphabet.
    pub fn run(&self) -> Run {
        self.with(|seen| seen.run.clone())
    }

    /// The points that were reached.
    pub fn reached(&self) -> BTreeSet<Point> {
        self.with(|seen| seen.reached.clone())
    }

    /// The client's messages.
    pub fn messages(&self) -> Vec<Message> {
        self.with(|seen| seen.messages.clone())
    }

    /// The challenges that the persona sent.
    pub fn challenges(&self) -> Vec<Challenge> {
        self.with(|seen| seen.challenges.clone())
    }

    /// The logins and deliveries that were confirmed.
    pub fn confirmed(&self) -> Vec<Confirmed> {
        self.with(|seen| seen.confirmed.clone())
    }

    /// The lesson learned about the client.
    pub fn lesson(&self) -> Lesson {
        self.with(|seen| seen.lesson.clone())
    }

    /// Whether the client followed a forged redirection.
    pub fn redirected(&self) -> bool {
        self.with(|seen| seen.redirected)
    }
}
