//! The record of a run: every byte in both directions, by leg, connection, channel, layer and segment.
//!
//! The record has a limit; how much was dropped after it is counted and reported.

mod line;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

pub use self::line::{Channel, Leg, Line};

/// How much of a run is recorded: 4 MiB, with the overhead of each segment.
pub const KEPT: usize = 4 << 20;

/// The overhead of an entry, in bytes.
const NOTE: usize = 128;

/// The reserve for entries without bytes, such as a closed connection.
const RESERVE: usize = 256 << 10;

/// The sender of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// The client under test.
    Client,
    /// The persona.
    Server,
}

/// The form of recorded bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Form {
    /// As they were on the wire, outside TLS.
    Clear,
    /// As they were on the wire, as TLS records.
    Records,
    /// As they were inside TLS.
    Inside,
}

/// An entry of the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The time since the run began.
    pub at: Duration,
    /// The line to which it belongs.
    pub line: Line,
    /// The event.
    pub what: What,
}

/// An event in the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The client connected.
    Connected,
    /// Bytes that were read or written together.
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
    /// The persona deviates from the honest persona.
    Deviates(String),
}

/// The record of one run. Clones are cheap, and share the record.
#[derive(Clone, Debug)]
pub struct Record {
    inner: Arc<Mutex<Inner>>,
    began: Instant,
}

#[derive(Debug, Default)]
struct Inner {
    entries: Vec<Entry>,
    kept: usize,
    dropped: Dropped,
}

/// The amount of data of a run that was not recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// How many bytes.
    pub bytes: usize,
    /// How many entries, with or without bytes.
    pub entries: usize,
    /// How many connections were closed at once, without a reply.
    pub connections: usize,
    /// How many connections were cut, since the client sent more than the recording limit.
    pub cut_off: usize,
}

impl Dropped {
    /// Whether anything was dropped.
    pub fn is_something(self) -> bool {
        self != Self::default()
    }
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (self.bytes, "byte", "not recorded"),
            (self.entries, "segment", "not recorded"),
            (self.connections, "connection", "closed at once"),
            (self.cut_off, "connection", "cut off for saying too much"),
        ];
        let mut between = "";
        for (count, thing, what) in parts.into_iter().filter(|(count, ..)| *count > 0) {
            let (more, be) = if count == 1 { ("", "was") } else { ("s", "were") };
            write!(f, "{between}{count} {thing}{more} {be} {what}")?;
            between = ", ";
        }
        Ok(())
    }
}

impl Default for Record {
    fn default() -> Self {
        Self { inner: Arc::default(), began: Instant::now() }
    }
}

impl Record {
    /// Adds an entry.
    pub fn push(&self, line: impl Into<Line>, what: What) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let (bytes, most) = match &what {
            What::Bytes { bytes, .. } => (bytes.len(), KEPT),
            _ => (0, KEPT + RESERVE),
        };
        if inner.kept + NOTE + bytes > most {
            inner.dropped.bytes += bytes;
            inner.dropped.entries += 1;
            return;
        }
        inner.kept += NOTE + bytes;
        let at = self.began.elapsed();
        inner.entries.push(Entry { at, line: line.into(), what });
    }

    /// Everything so far, in order.
    pub fn entries(&self) -> Vec<Entry> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).entries.clone()
    }

    /// Counts a connection that was closed without a reply.
    pub fn turn_away(&self) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.dropped.connections += 1;
    }

    /// Counts a connection that was cut, since the client sent more than the recording limit.
    pub fn cut_off(&self) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).dropped.cut_off += 1;
    }

    /// The amount of data that was dropped.
    pub fn dropped(&self) -> Dropped {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).dropped
    }

    /// The bytes that one side sent on a line in one form, joined.
    pub fn stream(&self, line: impl Into<Line>, from: Side, form: Form) -> Vec<u8> {
        self.joined(line.into(), from, form, |_| false)
    }

    /// The same without the bytes after the server's close.
    pub fn until_server_closes(&self, line: impl Into<Line>, from: Side, form: Form) -> Vec<u8> {
        self.joined(line.into(), from, form, |what| matches!(what, What::Closed(Side::Server, _)))
    }

    fn joined(&self, line: Line, from: Side, form: Form, ends: impl Fn(&What) -> bool) -> Vec<u8> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let there = inner.entries.iter().filter(|entry| entry.line == line);
        let mut stream = Vec::new();
        for entry in there.take_while(|entry| !ends(&entry.what)) {
            if let What::Bytes { from: side, form: is, bytes } = &entry.what
                && *side == from
                && *is == form
            {
                stream.extend_from_slice(bytes);
            }
        }
        stream
    }

    /// The longest time that the client took to answer, so far.
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
        self.render_at_most(usize::MAX)
    }

    /// Like [`render`](Self::render), truncated after the first line that passes `most` bytes.
    pub fn render_at_most(&self, most: usize) -> String {
        let mut text = String::new();
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        for (index, entry) in inner.entries.iter().enumerate() {
            if text.len() > most {
                let rest = inner.entries.len() - index;
                text.push_str(&format!("({rest} lines more in wire.txt)\n"));
                break;
            }
            let head = format!("{:>9.3} ms  {} ", entry.at.as_secs_f64() * 1000.0, entry.line);
            text.push_str(&head);
            text.push_str(&entry.what.render());
            text.push('\n');
        }
        let dropped = inner.dropped;
        if dropped.is_something() {
            text.push_str(&format!("({dropped})\n"));
        }
        text
    }
}

impl What {
    /// The event as a line of `wire.txt`.
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

/// Bytes as text, with escapes for line ends and unprintable bytes.
pub fn escape(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string().replace("\\'", "'").replace("\\\"", "\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_no_more_than_it_may() {
        let record = Record::default();
        let push = |bytes: Vec<u8>| {
            record.push(0, What::Bytes { from: Side::Client, form: Form::Clear, bytes });
        };
        push(vec![0; KEPT - NOTE - 1]);
        assert!(!record.dropped().is_something());
        push(vec![0; 1 << 20]);
        assert_eq!(record.stream(0, Side::Client, Form::Clear).len(), KEPT - NOTE - 1);
        // Entries without bytes are still recorded, up to a limit.
        record.push(0, What::TlsStarted);
        assert_eq!(record.entries().len(), 2);
        let few = Dropped { bytes: 1 << 20, entries: 1, ..Dropped::default() };
        assert_eq!(record.dropped(), few);
        record.turn_away();
        let text = "1048576 bytes were not recorded, 1 segment was not recorded, 1 connection was closed at once";
        assert!(record.render().ends_with(&format!("({text})\n")), "{}", record.dropped());
    }

    #[test]
    fn counts_what_a_small_segment_takes() {
        let record = Record::default();
        for _ in 0..100_000 {
            record
                .push(0, What::Bytes { from: Side::Client, form: Form::Clear, bytes: vec![b'x'] });
            record.push(0, What::Deviates("again".to_owned()));
        }
        assert!(record.entries().len() * NOTE <= KEPT + RESERVE);
        assert_eq!(record.entries().len() + record.dropped().entries, 200_000);
    }

    #[test]
    fn what_comes_after_the_close_is_told_from_the_rest() {
        let record = Record::default();
        let says = |connection, bytes: &[u8]| {
            let bytes = bytes.to_vec();
            record.push(connection, What::Bytes { from: Side::Client, form: Form::Inside, bytes });
        };
        says(0, b"a");
        record.push(1, What::Closed(Side::Server, String::new()));
        record.push(0, What::Closed(Side::Client, String::new()));
        says(0, b"b");
        record.push(0, What::Closed(Side::Server, String::new()));
        says(0, b"c");
        says(1, b"d");
        let said = |connection| record.until_server_closes(connection, Side::Client, Form::Inside);
        assert_eq!((said(0), said(1)), (b"ab".to_vec(), Vec::new()));
        assert_eq!(record.stream(0, Side::Client, Form::Inside), b"abc");
    }

    #[test]
    fn legs_and_channels_are_kept_apart() {
        let record = Record::default();
        let control = Line::from(0);
        let data = Line { channel: Channel::Data, ..control };
        let server = Line { leg: Leg::ToServer, ..control };
        for (line, bytes) in [(control, b"a"), (data, b"b"), (server, b"c")] {
            let bytes = bytes.to_vec();
            record.push(line, What::Bytes { from: Side::Client, form: Form::Clear, bytes });
        }
        let said = |line: Line| record.stream(line, Side::Client, Form::Clear);
        assert_eq!([said(control), said(data), said(server)], [b"a", b"b", b"c"].map(Vec::from));
        let heads = ["#1 C: a", "#1 data C: b", "server #1 C: c"];
        let text = record.render();
        assert!(text.lines().zip(heads).all(|(line, head)| line.ends_with(head)), "{text}");
    }

    #[test]
    fn shows_bytes_for_people() {
        assert_eq!(escape(b"it's \"ok\"\r\n\x00\xff"), "it's \"ok\"\\r\\n\\x00\\xff");
    }
}
