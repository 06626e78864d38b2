//! The persona: the honest peer of a protocol, with the deviations of a vector.
//!
//! It is the model's server function behind a codec. Where a client goes on outside TLS it plays
//! along - offers the login, asks for the message - since a peer that refuses hides the leak.

mod connection;
mod lifted;
mod link;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use upward_model::client::Peer;
use upward_model::protocol::Protocol;
use upward_model::vector::PeerRecord;

use crate::canary::Canaries;
use crate::certificate::Certificates;
use crate::codec::{Codec, Lesson};
use crate::wire::Record;

pub use self::lifted::{Confirmed, Lifted, Sight};

/// The most connections of one run that are served; further ones are closed at once.
const MAX_CONNECTIONS: usize = 32;

/// How many connections may wait to be taken; whoever comes then is let wait for a second.
pub(crate) const BACKLOG: i32 = 1024;

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
}

/// A persona that is listening.
pub struct Listening {
    /// The port, the same for IPv4 and, where there is IPv6, for it.
    pub port: u16,
    /// The port to which forged redirections lead: nobody has any business there.
    pub trap: u16,
    listeners: Vec<TcpListener>,
    trap_listener: TcpListener,
}

impl Listening {
    /// Listens on a free port of the loopback interface.
    ///
    /// # Errors
    ///
    /// Where no port can be had.
    pub async fn bind() -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        rustix::net::listen(&listener, BACKLOG)?;
        let port = listener.local_addr()?.port();
        let mut listeners = vec![listener];
        // `localhost` may mean ::1 first; a client that finds nobody there goes to 127.0.0.1.
        if let Ok(listener) = TcpListener::bind(("::1", port)).await {
            rustix::net::listen(&listener, BACKLOG)?;
            listeners.push(listener);
        }
        let trap_listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let trap = trap_listener.local_addr()?.port();
        Ok(Self { port, trap, listeners, trap_listener })
    }

    /// Serves on sockets that somebody else has made; the last is the trap's. Where there is no other,
    /// nobody is served.
    ///
    /// # Errors
    ///
    /// Where they cannot be used, or there is none.
    pub fn given(sockets: Vec<std::net::TcpListener>) -> std::io::Result<Self> {
        let mut listeners = Vec::new();
        for socket in sockets {
            socket.set_nonblocking(true)?;
            listeners.push(TcpListener::from_std(socket)?);
        }
        let trap_listener = listeners.pop().ok_or(std::io::ErrorKind::InvalidInput)?;
        let port = |listener: &TcpListener| Ok(listener.local_addr()?.port());
        let trap = port(&trap_listener)?;
        let port = listeners.first().map_or(Ok::<_, std::io::Error>(0), port)?;
        Ok(Self { port, trap, listeners, trap_listener })
    }

    /// Serves clients until `done` is told; then waits for the open connections to come to their
    /// end, and returns what was seen.
    pub async fn serve(
        self,
        persona: Persona,
        record: Record,
        done: impl Future<Output = ()>,
    ) -> Lifted {
        let lifted = Lifted::default();
        let count = Arc::new(AtomicUsize::new(0));
        let mut tasks = JoinSet::new();
        let mut listeners = self.listeners.into_iter();
        let first = listeners.next();
        let second = listeners.next();
        tokio::pin!(done);
        loop {
            let accepted = tokio::select! {
                () = &mut done => break,
                accepted = accept(first.as_ref()) => accepted,
                accepted = accept(second.as_ref()) => accepted,
                Ok(_) = self.trap_listener.accept() => {
                    lifted.redirect();
                    continue;
                }
                Some(_) = tasks.join_next(), if !tasks.is_empty() => continue,
            };
            let Ok(stream) = accepted else {
                // No descriptor is left, most likely: those who hold some go on first.
                tokio::task::yield_now().await;
                continue;
            };
            let number = count.fetch_add(1, Ordering::Relaxed);
            if number >= MAX_CONNECTIONS {
                record.turn_away();
                continue;
            }
            let _ = stream.set_nodelay(true);
            lifted.open(number);
            let connection = connection::Connection::new(
                persona.clone(),
                record.clone(),
                lifted.clone(),
                number,
                stream,
            );
            tasks.spawn(connection.run());
        }
        // A client may have connected, spoken and gone while nobody looked.
        for listener in [&first, &second].into_iter().flatten() {
            while let Some(stream) = waiting(listener).await {
                let number = count.fetch_add(1, Ordering::Relaxed);
                if number < MAX_CONNECTIONS {
                    lifted.open(number);
                    let connection = connection::Connection::new(
                        persona.clone(),
                        record.clone(),
                        lifted.clone(),
                        number,
                        stream,
                    );
                    tasks.spawn(connection.run());
                } else {
                    record.turn_away();
                }
            }
        }
        drop((first, second));
        // The client is gone: what it sent last is still read, its sockets are closed.
        let rest = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(persona.patience * 2, rest).await.is_err() {
            tasks.shutdown().await;
        }
        lifted
    }
}

/// A connection that is waiting to be accepted, if there is one.
async fn waiting(listener: &TcpListener) -> Option<tokio::net::TcpStream> {
    std::future::poll_fn(|context| match listener.poll_accept(context) {
        Poll::Ready(Ok((stream, _))) => Poll::Ready(Some(stream)),
        Poll::Ready(Err(_)) | Poll::Pending => Poll::Ready(None),
    })
    .await
}

async fn accept(listener: Option<&TcpListener>) -> std::io::Result<tokio::net::TcpStream> {
    match listener {
        Some(listener) => listener.accept().await.map(|(stream, _)| stream),
        None => std::future::pending().await,
    }
}
