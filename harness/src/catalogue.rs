//! The protocols that can be played. This is the only list of them.

use std::sync::Arc;

use upward_model::protocol::{IMAP, MANUAL, POP3, Protocol, SMTP};

use crate::codec::{Codec, Imap, Manual, Pop3, Smtp};

/// A protocol that can be played.
pub struct Entry {
    /// The protocol in the model.
    pub protocol: &'static Protocol,
    codec: fn() -> Arc<dyn Codec>,
    /// Its committed file of vectors.
    pub vectors: &'static str,
}

/// All entries, in the order of their names.
pub static CATALOGUE: [Entry; 4] = [
    Entry {
        protocol: &IMAP,
        codec: || Arc::new(Imap),
        vectors: include_str!("../../vectors/imap.json"),
    },
    Entry {
        protocol: &MANUAL,
        codec: || Arc::new(Manual),
        vectors: include_str!("../../vectors/manual.json"),
    },
    Entry {
        protocol: &POP3,
        codec: || Arc::new(Pop3),
        vectors: include_str!("../../vectors/pop3.json"),
    },
    Entry {
        protocol: &SMTP,
        codec: || Arc::new(Smtp),
        vectors: include_str!("../../vectors/smtp.json"),
    },
];

/// The smallest protocol, which is proved and played if the user names none.
pub const EXAMPLE: &Protocol = &MANUAL;

/// The protocol that most clients speak.
pub const USUAL: &Protocol = &SMTP;

impl Entry {
    /// The codec of the protocol.
    pub fn codec(&self) -> Arc<dyn Codec> {
        (self.codec)()
    }
}

/// A protocol that can be played, by its name.
pub fn by_name(name: &str) -> Option<&'static Entry> {
    CATALOGUE.iter().find(|entry| entry.protocol.name == name)
}

/// The names of all protocols, for people.
pub fn names() -> String {
    let names: Vec<&str> = CATALOGUE.iter().map(|entry| entry.protocol.name).collect();
    names.join(", ")
}
