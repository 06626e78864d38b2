//! Requirements on every codec.

use upward_model::message::Command;

use super::Codec;
use crate::canary::Canaries;

/// Parses any bytes with both sides: each message consumes some bytes, and the rest is their end.
pub(super) fn takes_any_bytes(codec: &dyn Codec, bytes: &[u8]) {
    let mut rest = bytes;
    let mut server = codec.server(&Canaries::new(1));
    while let Some(heard) = server.cut(rest) {
        assert!(heard.length > 0);
        rest = &rest[heard.length..];
    }
    assert!(bytes.ends_with(&codec.client().cut(bytes).rest));
    for asked in [None, Some(Command::Hello), Some(Command::Upgrade)] {
        let mut client = codec.client_of_any_server();
        let _ = asked.map(|command| client.say(command, &Canaries::new(1)));
        assert!(bytes.ends_with(&client.cut(bytes).rest));
    }
}

/// The messages parsed from bytes that arrive in parts, and the length of each.
pub(super) fn heard_in(codec: &dyn Codec, parts: &[&[u8]]) -> Vec<(Option<Command>, usize)> {
    let mut server = codec.server(&Canaries::new(1));
    let mut bytes = Vec::new();
    let mut all = Vec::new();
    for part in parts {
        bytes.extend_from_slice(part);
        while let Some(heard) = server.cut(&bytes) {
            bytes.drain(..heard.length);
            all.push((heard.command, heard.length));
        }
    }
    all
}
