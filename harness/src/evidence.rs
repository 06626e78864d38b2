//! The evidence of a run: the lifted run, exposed bytes, stages, logins, shown text.
//!
//! The judge is given only this: it knows neither the transport nor the program.

mod dialogue;
mod exposure;
mod fetched;
mod gather;
mod inside;
mod lifted;

use std::collections::BTreeSet;
use std::ops::Range;

use upward_model::explain::Run;
use upward_model::message::Command;
use upward_model::vector::Point;

pub use self::dialogue::{Dialogue, Inside, Step};
pub use self::gather::{End, gather, shows_clear_text};
pub use self::lifted::{Confirmed, Lifted, Message};

/// The evidence of a run, as given to the judge.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The run in the model's alphabet.
    pub run: Run,
    /// The points that the run reached.
    pub reached: BTreeSet<Point>,
    /// The first connection of the session under test, counted from 0.
    pub first_connection: usize,
    /// The connection with which the user's last of several sessions began; `None` if unknown.
    pub last_session_at: Option<usize>,
    /// All messages that the client sent outside TLS with an authenticated peer.
    pub clear_messages: Vec<ClearMessage>,
    /// Secrets and names that were found in them.
    pub exposed: Vec<Exposed>,
    /// Whether the data of the last session arrived inside authenticated TLS, and were confirmed.
    pub delivered: bool,
    /// Whether the data arrived there, confirmed or not.
    pub arrived: bool,
    /// Whether the client sent a secret of the run anywhere. If it never does, its leaks cannot be
    /// seen.
    pub recognised: bool,
    /// Whether the data were confirmed anywhere, also in clear.
    pub confirmed: bool,
    /// Whether its end looks like success; `None` if that cannot be told.
    pub claims_success: Option<bool>,
    /// Whether it followed a forged redirection.
    pub redirected: bool,
    /// Whether it crashed.
    pub crashed: bool,
    /// Whether it was still alive after the peer had closed and the deadline had passed.
    pub hung: bool,
    /// Whether the client sent or printed more than was recorded, and the rest could change the
    /// verdict.
    pub cut: bool,
    /// Whether the connection was cut because the client sent more than the recording limit.
    pub flooded: bool,
    /// The client's commands inside TLS with an authenticated server.
    pub inside: Inside,
    /// The same for the vector's twin, which has the same server inside TLS and no attack before it.
    /// `None` if the twin was not played, or its runs differ.
    pub twin: Option<Inside>,
    /// Whether the attacker deviated in clear; if not, the vector is its own twin.
    pub attacked_in_clear: bool,
    /// Whether the client printed a marker that was sent in clear.
    pub shows_clear_text: bool,
    /// Whether a marker that was sent in clear is in the data that the client passed to the
    /// application.
    pub hands_over_data: bool,
}

/// The stage of a connection at which bytes were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// In clear, before any upgrade request.
    Before,
    /// In clear, after the upgrade request: before its answer, or after a positive answer.
    Between,
    /// In clear, after the upgrade has failed.
    Failed,
    /// In clear, after TLS had been ended.
    After,
    /// Inside TLS with a peer whose certificate is bad.
    Unauthenticated,
}

/// A message that the client sent outside TLS with an authenticated peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClearMessage {
    /// The connection, counted from 0.
    pub connection: usize,
    /// Its stage.
    pub stage: Stage,
    /// Its command; `None` if it is not of the protocol.
    pub command: Option<Command>,
    /// Whether it is of the allowed clear-text language.
    pub allowed: bool,
    /// Whether it was sent in clear before the server answered the previous message.
    pub ahead: bool,
    /// Its place in the bytes that the client sent on that connection in that layer.
    pub range: Range<usize>,
}

/// A canary that the client sent outside TLS with an authenticated peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposed {
    /// The connection, counted from 0.
    pub connection: usize,
    /// Its stage.
    pub stage: Stage,
    /// Whether it is a secret; if not, it only identifies the user.
    pub secret: bool,
    /// Which canary it is: `user`, `password`, `body`.
    pub canary: String,
    /// The encoding in which it was found.
    pub form: String,
    /// Its place in the bytes that the client sent on that connection in that layer.
    pub range: Range<usize>,
}
