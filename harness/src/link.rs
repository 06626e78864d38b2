//! The transport between a client and a persona: TCP and rustls, or a simulation of both in memory.
//!
//! What goes over it is the same either way: bytes that arrive in order, an end, a reset, TLS records. In a
//! simulation the records are not encrypted, no socket is opened, and a runtime whose clock is paused lets
//! no time pass.

mod client;
mod listening;
mod pipe;
mod server;
mod stream;
mod tap;
mod tls_box;
mod verify;

pub(crate) use self::client::{ClientLink, Failed};
pub use self::listening::Listening;
pub(crate) use self::listening::{Address, Arrival};
pub(crate) use self::server::{Handshake, ServerLink};
pub(crate) use self::stream::Stream;
pub(crate) use self::verify::Verifier;
pub use self::verify::VerifyError;

/// How many connections may wait to be accepted; the kernel lets a further client wait for a second.
pub(crate) const BACKLOG: i32 = 1024;
