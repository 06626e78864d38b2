//! Where a persona waits for clients, and how a client of ours finds it.

use std::io;
use std::task::Poll;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::BACKLOG;
use super::pipe;
use super::stream::Stream;

/// A place at which clients arrive.
pub struct Listening {
    /// The port, the same for IPv4 and, where there is IPv6, for it; 0 in a simulation.
    pub port: u16,
    /// The port to which forged redirections lead.
    pub trap: u16,
    kind: Kind,
}

enum Kind {
    Tcp { listeners: Vec<TcpListener>, trap: TcpListener },
    Simulated { dial: Dial, arrivals: Arrivals },
}

/// How a client of ours finds a persona.
#[derive(Clone, Debug)]
pub(crate) enum Address {
    /// Ports on 127.0.0.1: the persona's, and the one that redirections name.
    Loopback {
        /// The persona's.
        port: u16,
        /// The one that redirections name.
        trap: u16,
    },
    /// A network in memory.
    Simulated(Dial),
}

/// What comes to a place.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// A client, with its connection.
    Here(Stream),
    /// A client at the place that redirections name; its connection.
    Redirected(Stream),
    /// Nothing, since no connection can be taken.
    Failed,
}

impl Address {
    pub(super) async fn connect(&self, redirected: bool) -> Option<Stream> {
        match self {
            Self::Loopback { port, trap } => {
                let port = if redirected { *trap } else { *port };
                TcpStream::connect(("127.0.0.1", port)).await.ok().map(Stream::tcp)
            }
            Self::Simulated(dial) => dial.connect(redirected),
        }
    }
}

impl Listening {
    /// Listens on a free port of the loopback interface.
    ///
    /// # Errors
    ///
    /// Where no port can be had.
    pub async fn bind() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        rustix::net::listen(&listener, BACKLOG)?;
        let port = listener.local_addr()?.port();
        let mut listeners = vec![listener];
        // `localhost` may mean ::1 first; a client that is refused there goes to 127.0.0.1.
        if let Ok(listener) = TcpListener::bind(("::1", port)).await {
            rustix::net::listen(&listener, BACKLOG)?;
            listeners.push(listener);
        }
        let trap = TcpListener::bind(("127.0.0.1", 0)).await?;
        let trap_port = trap.local_addr()?.port();
        Ok(Self { port, trap: trap_port, kind: Kind::Tcp { listeners, trap } })
    }

    /// Listens on sockets that another process has made; the last is the trap's. Where there is no other, no
    /// client is served.
    ///
    /// # Errors
    ///
    /// Where the sockets cannot be used, or the list is empty.
    pub fn given(sockets: Vec<std::net::TcpListener>) -> io::Result<Self> {
        let mut listeners = Vec::new();
        for socket in sockets {
            socket.set_nonblocking(true)?;
            listeners.push(TcpListener::from_std(socket)?);
        }
        let trap = listeners.pop().ok_or(io::ErrorKind::InvalidInput)?;
        let port = |listener: &TcpListener| Ok(listener.local_addr()?.port());
        let trap_port = port(&trap)?;
        let port = listeners.first().map_or(Ok::<_, io::Error>(0), port)?;
        Ok(Self { port, trap: trap_port, kind: Kind::Tcp { listeners, trap } })
    }

    /// Listens in memory.
    pub fn simulated() -> Self {
        let (dial, arrivals) = network();
        Self { port: 0, trap: 0, kind: Kind::Simulated { dial, arrivals } }
    }

    /// How a client of ours finds it.
    pub(crate) fn address(&self) -> Address {
        match &self.kind {
            Kind::Tcp { .. } => Address::Loopback { port: self.port, trap: self.trap },
            Kind::Simulated { dial, .. } => Address::Simulated(dial.clone()),
        }
    }

    /// Waits for the next that comes.
    pub(crate) async fn next(&mut self) -> Arrival {
        match &mut self.kind {
            Kind::Tcp { listeners, trap } => {
                let mut listeners = listeners.iter();
                let (first, second) = (listeners.next(), listeners.next());
                tokio::select! {
                    accepted = accept(first) => accepted,
                    accepted = accept(second) => accepted,
                    Ok((stream, _)) = trap.accept() => Arrival::Redirected(Stream::tcp(stream)),
                }
            }
            Kind::Simulated { arrivals, .. } => match arrivals.recv().await {
                Some(arrival) => arrival,
                None => std::future::pending().await,
            },
        }
    }

    /// A connection that has come and was not taken yet, if there is one.
    pub(crate) async fn waiting(&mut self) -> Option<Stream> {
        match &mut self.kind {
            Kind::Tcp { listeners, .. } => {
                for listener in listeners {
                    if let Some(stream) = waiting_at(listener).await {
                        return Some(Stream::tcp(stream));
                    }
                }
                None
            }
            Kind::Simulated { arrivals, .. } => loop {
                match arrivals.try_recv().ok()? {
                    Arrival::Here(stream) => return Some(stream),
                    Arrival::Redirected(_) | Arrival::Failed => {}
                }
            },
        }
    }
}

async fn waiting_at(listener: &TcpListener) -> Option<TcpStream> {
    std::future::poll_fn(|context| match listener.poll_accept(context) {
        Poll::Ready(Ok((stream, _))) => Poll::Ready(Some(stream)),
        Poll::Ready(Err(_)) | Poll::Pending => Poll::Ready(None),
    })
    .await
}

async fn accept(listener: Option<&TcpListener>) -> Arrival {
    match listener {
        Some(listener) => listener
            .accept()
            .await
            .map_or(Arrival::Failed, |(stream, _)| Arrival::Here(Stream::tcp(stream))),
        None => std::future::pending().await,
    }
}

/// What a client of ours connects by.
#[derive(Clone, Debug)]
pub(crate) struct Dial(mpsc::UnboundedSender<Arrival>);

/// Where what was dialled arrives.
type Arrivals = mpsc::UnboundedReceiver<Arrival>;

/// A network of one server, without connections.
fn network() -> (Dial, Arrivals) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (Dial(sender), receiver)
}

impl Dial {
    /// Connects, to the server or to the place that redirections name. Where there is no server any more,
    /// nothing.
    fn connect(&self, redirected: bool) -> Option<Stream> {
        let (client, server) = pipe::pair();
        let to = if redirected { Arrival::Redirected } else { Arrival::Here };
        self.0.send(to(Stream::Simulated(server))).ok()?;
        Some(Stream::Simulated(client))
    }
}
