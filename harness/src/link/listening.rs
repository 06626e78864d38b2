//! The sockets on which a persona listens, and the addresses for built-in clients.

use std::io;
use std::task::Poll;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::BACKLOG;
use super::pipe;
use super::stream::Stream;

/// Listening sockets, or a listener in memory.
pub struct Listening {
    /// The port, the same for IPv4 and IPv6 (if there is IPv6); 0 in a simulation.
    pub port: u16,
    /// The port to which forged redirections lead.
    pub trap: u16,
    kind: Kind,
}

enum Kind {
    Tcp { listeners: Vec<TcpListener>, trap: TcpListener },
    Simulated { dial: Dial, arrivals: Arrivals },
}

/// The address of a persona for built-in clients.
#[derive(Clone, Debug)]
pub(crate) enum Address {
    /// Ports on 127.0.0.1: the persona's, and the trap's.
    Loopback {
        /// The persona's.
        port: u16,
        /// The port that forged redirections name.
        trap: u16,
    },
    /// A network in memory.
    Simulated(Dial),
}

/// A connection that was accepted, or not.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// A client's connection to the persona.
    Here(Stream),
    /// A client's connection to the trap, the port that redirections name.
    Redirected(Stream),
    /// No connection can be accepted.
    Failed,
}

impl Address {
    /// Another port of the same server; `None` in a simulation, which has no ports.
    pub(crate) const fn at(&self, port: u16) -> Option<Self> {
        match self {
            Self::Loopback { trap, .. } => Some(Self::Loopback { port, trap: *trap }),
            Self::Simulated(_) => None,
        }
    }

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
    /// If no port is free.
    pub async fn bind() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        rustix::net::listen(&listener, BACKLOG)?;
        let port = listener.local_addr()?.port();
        let mut listeners = vec![listener];
        // `localhost` may resolve to ::1 first; a client that is refused there tries 127.0.0.1.
        if let Ok(listener) = TcpListener::bind(("::1", port)).await {
            rustix::net::listen(&listener, BACKLOG)?;
            listeners.push(listener);
        }
        let trap = TcpListener::bind(("127.0.0.1", 0)).await?;
        let trap_port = trap.local_addr()?.port();
        Ok(Self { port, trap: trap_port, kind: Kind::Tcp { listeners, trap } })
    }

    /// Listens on sockets that another process has created; the last is the trap's. If there is only
    /// the trap's, no client is served.
    ///
    /// # Errors
    ///
    /// If the sockets cannot be used, or the list is empty.
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

    /// The address for built-in clients.
    pub(crate) fn address(&self) -> Address {
        match &self.kind {
            Kind::Tcp { .. } => Address::Loopback { port: self.port, trap: self.trap },
            Kind::Simulated { dial, .. } => Address::Simulated(dial.clone()),
        }
    }

    /// Waits for the next connection.
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

    /// A waiting connection that was not accepted yet, if there is one.
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

/// The connecting side of the network in memory.
#[derive(Clone, Debug)]
pub(crate) struct Dial(mpsc::UnboundedSender<Arrival>);

/// The listening side of the network in memory.
type Arrivals = mpsc::UnboundedReceiver<Arrival>;

/// A network of one server, without connections.
fn network() -> (Dial, Arrivals) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (Dial(sender), receiver)
}

impl Dial {
    /// Connects to the server, or to the trap of redirections. `None` if the server has ended.
    fn connect(&self, redirected: bool) -> Option<Stream> {
        let (client, server) = pipe::pair();
        let to = if redirected { Arrival::Redirected } else { Arrival::Here };
        self.0.send(to(Stream::Simulated(server))).ok()?;
        Some(Stream::Simulated(client))
    }
}
