//! What a persona saw, in the model's alphabet, and where in the bytes it saw it.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use upward_model::explain::{Event, Run};
use upward_model::message::Command;
use upward_model::vector::Point;

use super::Stage;
use crate::canary::Challenge;
use crate::codec::Lesson;

/// What a persona saw; all clones write to the same.
#[derive(Clone, Debug, Default)]
pub struct Lifted {
    inner: Arc<Mutex<Seen>>,
}

/// Everything that was seen.
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
    /// Whether it was inside authenticated TLS.
    pub authenticated: bool,
}

/// A message of the client, and where it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The connection, counted from 0.
    pub connection: usize,
    /// At which stage; `None` inside TLS with an authenticated peer.
    pub stage: Option<Stage>,
    /// What it means.
    pub command: Option<Command>,
    /// Whether it is of the allowed clear-text language.
    pub allowed: bool,
    /// Where it is, in what the client sent on that connection in that layer.
    pub range: Range<usize>,
}

/// The most messages of a run that are taken up; whoever says more is cut off. Judging takes time
/// that grows with them.
const MESSAGES: usize = 2000;

/// The most challenges that are given: for each, what a client derives from it is looked for.
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

    /// Puts in what the client said before the events from here on, although it was taken up later.
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

    /// Whether the client has said as much as is taken up.
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

    /// Keeps what a connection has shown of the client; the longest one shows most.
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

    /// The challenges that were given.
    pub fn challenges(&self) -> Vec<Challenge> {
        self.with(|seen| seen.challenges.clone())
    }

    /// The logins and deliveries that were confirmed.
    pub fn confirmed(&self) -> Vec<Confirmed> {
        self.with(|seen| seen.confirmed.clone())
    }

    /// What was learned of the client.
    pub fn lesson(&self) -> Lesson {
        self.with(|seen| seen.lesson.clone())
    }

    /// Whether the client went where a forged redirection sent it.
    pub fn redirected(&self) -> bool {
        self.with(|seen| seen.redirected)
    }
}
