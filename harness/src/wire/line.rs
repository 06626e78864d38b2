//! The line to which recorded bytes belong: the parties, the connection, and the channel.

use std::fmt;

/// The two parties of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Leg {
    /// A client under test, and Upward.
    ToClient,
    /// Upward, and a server under test.
    ToServer,
}

/// The purpose of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Channel {
    /// Commands and replies.
    Control,
    /// Data of a session on a separate connection, as in FTP.
    Data,
}

/// The line to which recorded bytes belong: one channel of one connection.
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
