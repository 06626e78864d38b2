//! Where something was said: which connection, between which parties, on which of its channels.

use std::fmt;

/// Which two parties a connection joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Leg {
    /// A client under test, and Upward.
    ToClient,
    /// Upward, and a server under test.
    ToServer,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Channel {
    /// Commands and replies.
    Control,
    /// The data that a session moves over a connection of their own, as FTP does.
    Data,
}

/// Where something was said: one channel of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Line {
    /// The two parties.
    pub leg: Leg,
    /// The connection, counted from 0; a data channel has the number of its control channel.
    pub connection: usize,
    /// The channel.
    pub channel: Channel,
}

impl From<usize> for Line {
    /// The control channel of a connection of a client under test.
    fn from(connection: usize) -> Self {
        Self { leg: Leg::ToClient, connection, channel: Channel::Control }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let leg = if self.leg == Leg::ToServer { "server " } else { "" };
        let channel = if self.channel == Channel::Data { " data" } else { "" };
        write!(f, "{leg}#{}{channel}", self.connection + 1)
    }
}
