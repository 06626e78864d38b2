//! IMAP: RFC 9051 and RFC 3501, with STARTTLS, `AUTHENTICATE` and literals.

mod client;
mod mailbox;
mod server;
mod tags;

use crate::canary::Canaries;
use crate::codec::{ClientSide, Codec, ServerSide, lines};

/// The codec of IMAP.
#[derive(Clone, Copy, Debug)]
pub struct Imap;

impl Codec for Imap {
    fn server(&self, canaries: &Canaries) -> Box<dyn ServerSide> {
        Box::new(server::Server::new(canaries))
    }

    fn client(&self) -> Box<dyn ClientSide> {
        Box::new(client::Client::default())
    }

    fn bytes(&self, text: &str) -> Vec<u8> {
        lines::with_ends(text, "\r\n")
    }
}
