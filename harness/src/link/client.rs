//! The connection of a client of ours, in clear or inside TLS.

use std::io;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use upward_model::client::Peer;

use super::listening::Address;
use super::stream::Stream;
use super::tap::Tap;
use super::tls_box::TlsBox;
use super::verify::Verifier;
use crate::certificate::HOST;
use crate::wire::Record;

/// A client's connection, if it has one.
#[derive(Debug, Default)]
pub(crate) enum Client {
    /// The client has no connection.
    #[default]
    None,
    /// It is in clear.
    Clear(Stream),
    /// TLS stands.
    Tls(Box<TlsStream<Tap>>),
    /// A box stands in place of TLS.
    Box(Box<TlsBox>),
}

/// Why there is no TLS after a handshake.
pub(crate) enum Failed {
    /// This came in clear in place of it.
    Clear(Vec<u8>),
    /// The connection is gone.
    Gone,
    /// It failed, and the connection stands.
    Refused,
}

impl Client {
    /// Connects to the server, or to where redirections lead; `None` where no persona listens.
    pub(crate) async fn connect(address: &Address, redirected: bool) -> Self {
        address.connect(redirected).await.map_or(Self::None, Self::Clear)
    }

    /// Whether TLS stands, or a box in its place.
    pub(crate) const fn is_tls(&self) -> bool {
        matches!(self, Self::Tls(_) | Self::Box(_))
    }

    /// Reads what is there. Nothing means that the peer has closed, or has ended TLS.
    pub(crate) async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::None => std::future::pending().await,
            Self::Clear(stream) => stream.read(buffer).await,
            Self::Tls(stream) => stream.read(buffer).await,
            Self::Box(tls) => tls.read(buffer).await,
        }
    }

    /// Writes all of it at once. An error is read, too.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::None => Ok(()),
            Self::Clear(stream) => stream.write_all(bytes).await,
            Self::Tls(stream) => {
                stream.write_all(bytes).await?;
                stream.flush().await
            }
            Self::Box(tls) => tls.write_all(bytes).await,
        }
    }

    /// Closes in order: a close_notify where there is TLS, and FIN.
    pub(crate) async fn close(&mut self) -> io::Result<()> {
        match std::mem::take(self) {
            Self::None => Ok(()),
            Self::Clear(mut stream) => stream.shutdown().await,
            Self::Tls(mut stream) => stream.shutdown().await,
            Self::Box(mut tls) => tls.shutdown().await,
        }
    }

    /// Does a handshake; the certificate that the peer showed. The connection is kept where it can be.
    pub(crate) async fn handshake(&mut self, verifier: &Verifier) -> Result<Peer, Failed> {
        let stream = match std::mem::take(self) {
            Self::Clear(stream) => stream,
            other => {
                *self = other;
                return Err(Failed::Refused);
            }
        };
        let tap = Tap::new(stream, Record::default(), 0, Vec::new());
        let done = if tap.is_simulated() {
            let connected = TlsBox::connect(tap).await;
            connected.map(|(tls, peer)| (Self::Box(Box::new(tls)), peer))
        } else {
            let connecting = match ServerName::try_from(HOST) {
                Ok(name) => TlsConnector::from(verifier.config()).connect(name, tap),
                Err(_) => return Err(Failed::Gone),
            };
            let connected = connecting.into_fallible().await;
            connected.map(|stream| (Self::Tls(Box::new(stream)), verifier.peer()))
        };
        let (error, tap) = match done {
            Ok((secured, peer)) => {
                *self = secured;
                return Ok(peer);
            }
            Err(failed) => failed,
        };
        let gone =
            matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset);
        let clear = crate::tls::clear_tail(tap.seen()).map(<[u8]>::to_vec);
        match clear {
            None if gone => Err(Failed::Gone),
            clear => {
                *self = Self::Clear(tap.into_inner());
                Err(clear.map_or(Failed::Refused, Failed::Clear))
            }
        }
    }

    /// Goes on in clear where the peer has ended TLS and kept the connection; what came in clear behind
    /// it. `None` where nothing did, or the connection was in clear: it is over.
    pub(crate) async fn outlive_tls(&mut self) -> Option<Vec<u8>> {
        let tap = match std::mem::take(self) {
            Self::Tls(stream) => stream.into_inner().0,
            Self::Box(tls) => tls.into_inner(),
            Self::None | Self::Clear(_) => return None,
        };
        let tail = crate::tls::clear_tail(tap.seen()).map(<[u8]>::to_vec);
        let mut stream = tap.into_inner();
        let clear = match tail {
            Some(tail) => tail,
            None => {
                let mut buffer = vec![0; 64 * 1024];
                let length = stream.read(&mut buffer).await.ok().filter(|&length| length > 0)?;
                buffer.truncate(length);
                buffer
            }
        };
        *self = Self::Clear(stream);
        Some(clear)
    }
}
