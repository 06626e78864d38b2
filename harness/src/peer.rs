//! What Upward plays: the peer of the program under test.
//!
//! Today that is a server for a client under test. A client for a server under test, and a relay between two
//! programs, are further peers.

mod persona;

use crate::evidence::Lifted;
use crate::link::Listening;
use crate::wire::Record;

pub use self::persona::Persona;

/// The peer of a program under test.
pub trait Peer {
    /// Plays until `ended` is ready, which means that the program has ended. Then waits until open
    /// connections end. Records all bytes on the wire in `record`. Returns the lifted run.
    fn play(
        self,
        record: Record,
        ended: impl Future<Output = ()> + Send,
    ) -> impl Future<Output = Lifted> + Send;
}

/// A persona, and the sockets on which it listens.
pub struct Host {
    /// The persona.
    pub persona: Persona,
    /// Its listening sockets.
    pub listening: Listening,
}

impl Peer for Host {
    async fn play(self, record: Record, ended: impl Future<Output = ()> + Send) -> Lifted {
        self.persona.serve(self.listening, record, ended).await
    }
}
