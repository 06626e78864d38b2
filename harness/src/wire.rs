//! The record of a run: every byte in both directions, by connection, layer and segment.
//!
//! What is kept is bounded; how much was dropped is counted and said.

mod tap;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

pub use self::tap::Tap;

/// How much of a run is kept: 4 MiB.
const KEPT: usize = 4 << 20;

/// Who sent something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// The client under test.
    Client,
    /// The persona.
    Server,
}

/// In which form bytes are recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Form {
    /// As they were on the wire, outside TLS.
    Clear,
    /// As they were on the wire, as TLS records.
    Records,
    /// As they were inside TLS.
    Inside,
}

/// One thing that was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When, since the run began.
    pub at: Duration,
    /// On which connection, counted from 0.
    pub connection: usize,
    /// What.
    pub what: What,
}

/// What was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The client connected.
    Connected,
    /// Bytes that were read or written at once.
    Bytes {
        /// Who sent them.
        from: Side,
        /// In which form.
        form: Form,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// The handshake was completed.
    TlsStarted,
    /// The handshake failed, and why.
    TlsFailed(String),
    /// TLS was ended by the persona.
    TlsEnded,
    /// One side closed or cut the connection.
    Closed(Side, String),
    /// The persona deviates from the honest one.
    Deviates(String),
}

/// The record of one run; cheap to clone, all clones write to the same.
#[derive(Clone, Debug)]
pub struct Record {
    inner: Arc<Mutex<Inner>>,
    began: Instant,
}

#[derive(Debug, Default)]
struct Inner {
    entries: Vec<Entry>,
    kept: usize,
    dropped: usize,
}

impl Default for Record {
    fn default() -> Self {
        Self { inner: Arc::default(), began: Instant::now() }
    }
}

impl Record {
    /// Records something.
    pub fn push(&self, connection: usize, what: What) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let What::Bytes { bytes, .. } = &what {
            if inner.kept + bytes.len() > KEPT {
                inner.dropped += bytes.len();
                return;
            }
            inner.kept += bytes.len();
        }
        let at = self.began.elapsed();
        inner.entries.push(Entry { at, connection, what });
    }

    /// Everything so far, in order.
    pub fn entries(&self) -> Vec<Entry> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).entries.clone()
    }

    /// How many bytes were dropped.
    pub fn dropped(&self) -> usize {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).dropped
    }

    /// What one side sent on a connection in one form, joined.
    pub fn stream(&self, connection: usize, from: Side, form: Form) -> Vec<u8> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let mut stream = Vec::new();
        for entry in inner.entries.iter().filter(|entry| entry.connection == connection) {
            if let What::Bytes { from: side, form: is, bytes } = &entry.what
                && *side == from
                && *is == form
            {
                stream.extend_from_slice(bytes);
            }
        }
        stream
    }

    /// The longest that the client took to answer, so far.
    pub fn slowest_reaction(&self) -> Duration {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let mut said: Option<Duration> = None;
        let mut slowest = Duration::ZERO;
        for entry in &inner.entries {
            match &entry.what {
                What::Connected | What::Bytes { from: Side::Server, .. } | What::TlsStarted => {
                    said = Some(entry.at);
                }
                What::Bytes { from: Side::Client, .. } => {
                    if let Some(said) = said.take() {
                        slowest = slowest.max(entry.at.saturating_sub(said));
                    }
                }
                _ => {}
            }
        }
        slowest
    }

    /// The record for people to read: `wire.txt`.
    pub fn render(&self) -> String {
        let mut text = String::new();
        for entry in self.entries() {
            let head =
                format!("{:>9.3} ms  #{} ", entry.at.as_secs_f64() * 1000.0, entry.connection + 1);
            text.push_str(&head);
            text.push_str(&entry.what.render());
            text.push('\n');
        }
        let dropped = self.dropped();
        if dropped > 0 {
            text.push_str(&format!("({dropped} bytes more were not kept)\n"));
        }
        text
    }
}

impl What {
    /// In words, as a line of `wire.txt`.
    pub fn render(&self) -> String {
        match self {
            Self::Connected => "(client connects)".to_owned(),
            Self::Bytes { from, form, bytes } => render_bytes(*from, *form, bytes),
            Self::TlsStarted => "*** TLS STARTS".to_owned(),
            Self::TlsFailed(why) => format!("*** TLS FAILS: {why}"),
            Self::TlsEnded => "*** TLS ENDS".to_owned(),
            Self::Closed(Side::Client, how) => format!("(client closes{how})"),
            Self::Closed(Side::Server, how) => format!("(server closes{how})"),
            Self::Deviates(how) => format!("(here the attacker {how})"),
        }
    }
}

fn render_bytes(from: Side, form: Form, bytes: &[u8]) -> String {
    let side = match from {
        Side::Client => "C",
        Side::Server => "S",
    };
    match form {
        Form::Clear => format!("{side}: {}", escape(bytes)),
        Form::Inside => format!("{side} [tls]: {}", escape(bytes)),
        Form::Records => format!("{side}: <{} bytes of TLS records>", bytes.len()),
    }
}

/// Bytes as text: line ends and what cannot be printed as escapes.
pub fn escape(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string().replace("\\'", "'").replace("\\\"", "\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_no_more_than_it_may() {
        let record = Record::default();
        for _ in 0..5 {
            let bytes = vec![0; 1 << 20];
            record.push(0, What::Bytes { from: Side::Client, form: Form::Clear, bytes });
        }
        assert_eq!(record.stream(0, Side::Client, Form::Clear).len(), KEPT);
        assert_eq!(record.dropped(), 1 << 20);
    }

    #[test]
    fn shows_bytes_for_people() {
        assert_eq!(escape(b"it's \"ok\"\r\n\x00\xff"), "it's \"ok\"\\r\\n\\x00\\xff");
    }
}
