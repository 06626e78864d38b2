//! A network in memory: pipes that end as TCP connections do, and a box in place of TLS.

mod pipe;
mod tls;

use tokio::sync::mpsc;

use super::listening::Arrival;
use super::stream::Stream;

pub(super) use self::pipe::Pipe;
pub(super) use self::tls::TlsBox;

/// What a client of ours connects by.
#[derive(Clone, Debug)]
pub(crate) struct Dial(mpsc::UnboundedSender<Arrival>);

/// Where what was dialled arrives.
pub(super) type Arrivals = mpsc::UnboundedReceiver<Arrival>;

/// A network of one server, where nobody has connected yet.
pub(super) fn network() -> (Dial, Arrivals) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (Dial(sender), receiver)
}

impl Dial {
    /// Connects, to the server or to the place that redirections name. Where there is no server any more,
    /// nothing.
    pub(super) fn connect(&self, redirected: bool) -> Option<Stream> {
        let (client, server) = pipe::pair();
        let to = if redirected { Arrival::Redirected } else { Arrival::Here };
        self.0.send(to(Stream::Simulated(server))).ok()?;
        Some(Stream::Simulated(client))
    }
}
