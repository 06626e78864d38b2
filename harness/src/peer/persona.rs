//! The persona: the honest peer of a protocol, with the deviations of a vector.
//!
//! It is the model's server function behind a codec. If a client goes on outside TLS, the persona plays
//! along: it offers the login and asks for the message. A peer that rejects such a client would hide
//! the leak.

mod connection;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use upward_model::client::Peer;
use upward_model::protocol::Protocol;
use upward_model::vector::PeerRecord;

use crate::canary::Canaries;
use crate::certificate::Certificates;
use crate::codec::{Codec, Lesson};
use crate::evidence::Lifted;
use crate::link::{Arrival, Listening, Stream};
use crate::wire::Record;

/// The most connections of one run that are served; further ones are closed at once.
const MAX_CONNECTIONS: usize = 32;

/// The parameters of a persona.
#[derive(Clone)]
pub struct Persona {
    /// Its protocol.
    pub protocol: &'static Protocol,
    /// The protocol's codec.
    pub codec: Arc<dyn Codec>,
    /// The certificates of the run.
    pub certificates: Arc<Certificates>,
    /// The canaries of the run.
    pub canaries: Arc<Canaries>,
    /// The certificate and the deviations; the honest persona has none.
    pub peer: Arc<PeerRecord>,
    /// Whether TLS comes first.
    pub implicit: bool,
    /// Whether the user has two sessions: the second connection then belongs to the second session.
    pub two_sessions: bool,
    /// How long the persona waits before it closes the connection of a client that has nothing to
    /// answer. This is the only timed wait.
    pub patience: Duration,
    /// What the honest control has shown of the client.
    pub lesson: Arc<Lesson>,
}

impl Persona {
    fn certificate(&self) -> Peer {
        self.peer.certificate.into()
    }

    /// Serves clients until `done` is ready; then waits until the open connections end, and returns the
    /// lifted run.
    pub async fn serve(
        self,
        mut listening: Listening,
        record: Record,
        done: impl Future<Output = ()>,
    ) -> Lifted {
        let patience = self.patience;
        let mut guests = Guests {
            persona: self,
            record,
            lifted: Lifted::default(),
            count: 0,
            tasks: JoinSet::new(),
        };
        tokio::pin!(done);
        loop {
            tokio::select! {
                () = &mut done => break,
                arrival = listening.next() => match arrival {
                    Arrival::Here(stream) => guests.serve(stream),
                    Arrival::Redirected(stream) => {
                        guests.lifted.redirect();
                        drop(stream);
                    }
                    // Probably no file descriptor is free: let the open connections go on first.
                    Arrival::Failed => tokio::task::yield_now().await,
                },
                Some(_) = guests.tasks.join_next(), if !guests.tasks.is_empty() => {}
            }
        }
        // A client may have connected, sent bytes and closed before its connection was accepted.
        while let Some(stream) = listening.waiting().await {
            guests.serve(stream);
        }
        drop(listening);
        // The client has ended: its last bytes are still in the sockets to be read.
        let rest = async { while guests.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(patience * 2, rest).await.is_err() {
            guests.tasks.shutdown().await;
        }
        guests.lifted
    }
}

/// The connections of one run.
struct Guests {
    persona: Persona,
    record: Record,
    lifted: Lifted,
    /// How many connections there were.
    count: usize,
    tasks: JoinSet<()>,
}

impl Guests {
    fn serve(&mut self, stream: Stream) {
        let number = self.count;
        self.count += 1;
        if number >= MAX_CONNECTIONS {
            self.record.turn_away();
            return;
        }
        self.lifted.open(number);
        let (persona, record) = (self.persona.clone(), self.record.clone());
        let lifted = self.lifted.clone();
        let connection = connection::Connection::new(persona, record, lifted, number, stream);
        self.tasks.spawn(connection.run());
    }
}
