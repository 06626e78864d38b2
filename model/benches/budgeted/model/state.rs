//! Everything that changes, and the numbers that it is made of: those of `budgeted.pml`.

use std::hash::{Hash, Hasher};

/// How many cells a queue has.
pub(crate) const QUEUE: usize = 3;

/// How many cells a receive buffer has, and a segment.
pub(crate) const BUFFER: usize = 2;

/// Everything that changes: sixteen bytes, hashed and compared as one number.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(16))]
pub(crate) struct State {
    pub(crate) to_client: [u8; QUEUE],
    pub(crate) to_server: [u8; QUEUE],
    pub(crate) heard: [u8; BUFFER],
    pub(crate) read: [u8; BUFFER],
    pub(crate) client: Client,
    pub(crate) client_tls: Tls,
    pub(crate) server: Server,
    pub(crate) server_tls: Tls,
    pub(crate) budget: u8,
    pub(crate) flags: u8,
}

impl State {
    fn number(&self) -> u128 {
        let [a, b, c] = self.to_client;
        let [d, e, f] = self.to_server;
        let [g, h] = self.heard;
        let [i, j] = self.read;
        let (k, l) = (self.client as u8, self.client_tls as u8);
        let (m, n) = (self.server as u8, self.server_tls as u8);
        let (o, p) = (self.budget, self.flags);
        u128::from_le_bytes([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p])
    }

    /// The properties that are broken, as bits.
    pub(crate) fn broken(&self) -> u32 {
        u32::from(self.flags & !flag::CLOSED)
    }

    /// Whether the session was a delivery.
    pub(crate) const fn is_delivered(&self) -> bool {
        matches!(self.client, Client::Delivered)
    }
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        self.number() == other.number()
    }
}

impl Eq for State {}

impl Hash for State {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u128(self.number());
    }
}

/// Where the client is: what it waits for, or how it ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Client {
    #[default]
    Greeting,
    Offer,
    GoAhead,
    Handshake,
    Capabilities,
    Login,
    Done,
    /// It owes its user a word.
    GivingUp,
    Refused,
    Delivered,
}

/// Where the server is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Server {
    #[default]
    Clear,
    Handshake,
    Inside,
    LoggedIn,
    Gone,
}

/// Whom a party has TLS with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Tls {
    #[default]
    None,
    Honest,
    Attacker,
}

/// Of a cell, the number of its message; 0 is an empty cell.
pub(crate) const MESSAGE: u8 = 0x1f;

/// What is known of the message in a cell.
pub(crate) mod mark {
    /// It is inside TLS.
    pub(crate) const INSIDE: u8 = 0x20;
    /// The attacker wrote it.
    pub(crate) const FORGED: u8 = 0x40;
    /// It belongs to the segment of the one before it.
    pub(crate) const GLUED: u8 = 0x80;
}

/// What the server says.
pub(crate) mod reply {
    pub(crate) const GREETING: u8 = 1;
    /// Capabilities, the upgrade among them.
    pub(crate) const OFFER: u8 = 2;
    /// Capabilities without it.
    pub(crate) const BARE: u8 = 3;
    pub(crate) const GO_AHEAD: u8 = 4;
    pub(crate) const REFUSAL: u8 = 5;
    pub(crate) const LOGGED_IN: u8 = 6;
    pub(crate) const DONE: u8 = 7;
    /// A handshake with the server's certificate.
    pub(crate) const GENUINE: u8 = 8;
    /// A handshake with a bad one: only the attacker says this, and 10, which is nonsense.
    pub(crate) const FALSE: u8 = 9;
    /// The last one that the attacker can say.
    pub(crate) const LAST: u8 = 10;
}

/// What the client says.
pub(crate) mod command {
    pub(crate) const ASK: u8 = 1;
    pub(crate) const UPGRADE: u8 = 2;
    pub(crate) const HELLO: u8 = 3;
    /// The last one that the attacker says: where the server would refuse, he can do so himself.
    pub(crate) const LAST: u8 = HELLO;
    pub(crate) const LOGIN: u8 = 4;
    pub(crate) const MAIL: u8 = 5;
}

/// What has happened to a session, as bits.
pub(crate) mod flag {
    /// A login or mail went out in clear.
    pub(crate) const LEAKED: u8 = 1;
    /// A login or mail went to the attacker.
    pub(crate) const BETRAYED: u8 = 2;
    /// The client used clear text inside TLS.
    pub(crate) const MISLED: u8 = 4;
    /// The connection is closed.
    pub(crate) const CLOSED: u8 = 8;
}
