//! The connection of a built-in client, in clear or inside TLS.

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
use crate::tls::text_of;
use crate::wire::Record;

/// A client's connection, if it has one.
#[derive(Debug, Default)]
pub(crate) enum ClientLink {
    /// The client has no connection.
    #[default]
    None,
    /// The connection is in clear. After a failed handshake, TLS records are not read as text, since
    /// their contents are random. Complete records are skipped; the bytes are the beginning of an
    /// incomplete one.
    Clear(Stream, Vec<u8>),
    /// TLS is established.
    Tls(Box<TlsStream<Tap>>),
    /// Simulated TLS is established.
    Box(Box<TlsBox>),
}

/// The result of a handshake that failed.
pub(crate) enum Failed {
    /// The peer sent these bytes in clear instead.
    Clear(Vec<u8>),
    /// The connection is closed.
    Gone,
    /// It failed, and the connection is still open.
    Refused,
}

impl ClientLink {
    /// Connects to the server, or to the trap of redirections; `None` if no persona listens.
    pub(crate) async fn connect(address: &Address, redirected: bool) -> Self {
        address
            .connect(redirected)
            .await
            .map_or(Self::None, |stream| Self::Clear(stream, Vec::new()))
    }

    /// Whether TLS, or simulated TLS, is established.
    pub(crate) const fn is_tls(&self) -> bool {
        matches!(self, Self::Tls(_) | Self::Box(_))
    }

    /// Reads available bytes. An empty result means that the peer has closed, or has ended TLS.
    pub(crate) async fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut buffer = vec![0; 64 * 1024];
        let length = match self {
            Self::None => std::future::pending().await,
            Self::Clear(stream, came) => return text(stream, came).await,
            Self::Tls(stream) => stream.read(&mut buffer).await?,
            Self::Box(tls) => tls.read(&mut buffer).await?,
        };
        buffer.truncate(length);
        Ok(buffer)
    }

    /// Writes all bytes at once. A failed connection shows itself as an error of the next read, too.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::None => Ok(()),
            Self::Clear(stream, _) => stream.write_all(bytes).await,
            Self::Tls(stream) => {
                stream.write_all(bytes).await?;
                stream.flush().await
            }
            Self::Box(tls) => tls.write_all(bytes).await,
        }
    }

    /// Closes in order: with close_notify inside TLS, and FIN.
    pub(crate) async fn close(&mut self) -> io::Result<()> {
        match std::mem::take(self) {
            Self::None => Ok(()),
            Self::Clear(mut stream, _) => stream.shutdown().await,
            Self::Tls(mut stream) => stream.shutdown().await,
            Self::Box(mut tls) => tls.shutdown().await,
        }
    }

    /// Does a handshake; returns the kind of certificate that the peer presented. After a failure, the
    /// connection is kept if possible.
    pub(crate) async fn handshake(&mut self, verifier: &Verifier) -> Result<Peer, Failed> {
        let stream = match std::mem::take(self) {
            Self::Clear(stream, _) => stream,
            other => {
                *self = other;
                return Err(Failed::Refused);
            }
        };
        let tap = Tap::new(stream, Record::default(), 0.into(), Vec::new());
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
        let mut came = tap.seen().to_vec();
        let text = text_of(&mut came);
        if text.is_empty() && gone {
            return Err(Failed::Gone);
        }
        *self = Self::Clear(tap.into_inner(), came);
        Err(if text.is_empty() { Failed::Refused } else { Failed::Clear(text) })
    }

    /// Goes on in clear if the peer has ended TLS and kept the connection open; returns the bytes
    /// received in clear after TLS. `None` if there are none, or if the connection was in clear: it is
    /// over.
    pub(crate) async fn outlive_tls(&mut self) -> Option<Vec<u8>> {
        let tap = match std::mem::take(self) {
            Self::Tls(stream) => stream.into_inner().0,
            Self::Box(tls) => tls.into_inner(),
            Self::None | Self::Clear(..) => return None,
        };
        let mut came = tap.seen().to_vec();
        let behind = text_of(&mut came);
        *self = Self::Clear(tap.into_inner(), came);
        if !behind.is_empty() {
            return Some(behind);
        }
        self.read().await.ok().filter(|text| !text.is_empty())
    }
}

/// Reads clear text; empty at the end. `came` holds the beginning of an incomplete record.
async fn text(stream: &mut Stream, came: &mut Vec<u8>) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = stream.read(&mut buffer).await?;
        came.extend_from_slice(&buffer[..length]);
        let text = text_of(came);
        if length == 0 || !text.is_empty() {
            return Ok(text);
        }
    }
}
