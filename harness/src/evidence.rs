//! What a run left behind: the lifted run, exposed bytes, stages, logins, shown text.
//!
//! The judge is given this and nothing else: it knows neither transport nor program.

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

/// What a judge is given of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The run in the model's alphabet.
    pub run: Run,
    /// The points that the persona came to.
    pub reached: BTreeSet<Point>,
    /// The first connection of the session under test, counted from 0.
    pub first_connection: usize,
    /// The connection with which the user's last of several sessions began, where that is known.
    pub last_session_at: Option<usize>,
    /// Everything that left the client outside TLS with an authenticated peer, message by message.
    pub clear_messages: Vec<ClearMessage>,
    /// Secrets and names that were found in it.
    pub exposed: Vec<Exposed>,
    /// Whether the data of the last session arrived inside authenticated TLS and were confirmed.
    pub delivered: bool,
    /// Whether the data arrived there, confirmed or not.
    pub arrived: bool,
    /// Whether the client sent a secret of the run anywhere: of one that never does, no leak is seen.
    pub recognised: bool,
    /// Whether the data were confirmed anywhere, in clear as well.
    pub confirmed: bool,
    /// Whether it ended as it does after success; `None` where that cannot be told.
    pub claims_success: Option<bool>,
    /// Whether it went where a forged redirection sent it.
    pub redirected: bool,
    /// Whether it crashed.
    pub crashed: bool,
    /// Whether it was still alive after the peer had closed and the deadline had passed.
    pub hung: bool,
    /// Whether the client said or printed more than was looked at, where that can decide.
    pub cut: bool,
    /// Whether the connection was cut because the client sent more than the recording limit.
    pub flooded: bool,
    /// What the client said inside TLS with an authenticated server.
    pub inside: Inside,
    /// The same in runs of the vector's twin, which has the same server inside TLS and no attacker
    /// before it. `None` where it was not played, or did not come out the same each time.
    pub twin: Option<Inside>,
    /// Whether the attacker did anything in clear: else the vector is its own twin.
    pub attacked_in_clear: bool,
    /// Whether a marker that was sent in clear is in what it printed.
    pub shows_clear_text: bool,
    /// Whether a marker that was sent in clear is in the data that it handed to the application.
    pub hands_over_data: bool,
}

/// At which stage of its connection something was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// In clear, before any upgrade request.
    Before,
    /// In clear, after the upgrade request and before its answer, or after a positive one.
    Between,
    /// In clear, after the upgrade has failed.
    Failed,
    /// In clear, after TLS had been ended.
    After,
    /// Inside TLS whose peer showed a bad certificate.
    Unauthenticated,
}

/// A message that left the client outside TLS with an authenticated peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClearMessage {
    /// The connection, counted from 0.
    pub connection: usize,
    /// At which stage.
    pub stage: Stage,
    /// What it means; `None` for what is not of the protocol.
    pub command: Option<Command>,
    /// Whether it is of the allowed clear-text language.
    pub allowed: bool,
    /// Whether it was sent in clear before the server had said anything upon the message before it.
    pub ahead: bool,
    /// Where it is, in what the client sent on that connection in that layer.
    pub range: Range<usize>,
}

/// A canary outside TLS with an authenticated peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposed {
    /// The connection, counted from 0.
    pub connection: usize,
    /// At which stage.
    pub stage: Stage,
    /// Whether it is a secret, or only tells who the user is.
    pub secret: bool,
    /// Which canary it is: `user`, `password`, `body`.
    pub canary: String,
    /// In which form it was found.
    pub form: String,
    /// Where it is, in what the client sent on that connection in that layer.
    pub range: Range<usize>,
}
