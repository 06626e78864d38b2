//! The persona: the honest peer of a protocol, with the deviations of a vector.
//!
//! It is the model's server function behind a codec. Where a client goes on outside TLS it plays
//! along - offers the login, asks for the message - since a peer that refuses hides the leak.

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

/// Everything that a persona is.
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
    /// Whether the user has two sessions: the second connection is then the second one's.
    pub two_sessions: bool,
    /// How long the persona waits for a client that has nothing to answer before it closes: the
    /// only timed wait.
    pub patience: Duration,
    /// What the honest control has shown of the client.
    pub lesson: Arc<Lesson>,
}

impl Persona {
    fn certificate(&self) -> Peer {
        self.peer.certificate.into()
    }

    /// Serves clients until `done` is told; then waits for the open connections to come to their
    /// end, and returns what was seen.
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
                    // No descriptor is left, most likely: connections that hold some go on first.
                    Arrival::Failed => tokio::task::yield_now().await,
                },
                Some(_) = guests.tasks.join_next(), if !guests.tasks.is_empty() => {}
            }
        }
        // A client may have connected, spoken and gone before its connection was accepted.
        while let Some(stream) = listening.waiting().await {
            guests.serve(stream);
        }
        drop(listening);
        // The client is gone: what it sent last is still read, its sockets are closed.
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
    /// How many there were.
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
