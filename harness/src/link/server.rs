//! The connection of a persona, in clear or inside TLS.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use upward_model::client::Peer;

use super::stream::Stream;
use super::tap::Tap;
use super::tls_box::TlsBox;
use crate::certificate::Certificates;
use crate::wire::{Form, Line, Record, Side, What};

/// A connection, recorded.
pub(crate) struct ServerLink {
    kind: Kind,
    record: Record,
    line: Line,
    shut: bool,
}

enum Kind {
    Clear(Stream),
    Tls(Box<TlsStream<Tap>>),
    Box(Box<TlsBox>),
    Gone,
}

/// The result of a handshake.
pub(crate) enum Handshake {
    /// It was completed.
    Done,
    /// It failed; these are the bytes that the client sent for it.
    Failed(Vec<u8>),
}

impl ServerLink {
    pub(crate) const fn new(stream: Stream, record: Record, line: Line) -> Self {
        Self { kind: Kind::Clear(stream), record, line, shut: false }
    }

    pub(crate) const fn is_tls(&self) -> bool {
        matches!(self.kind, Kind::Tls(_) | Kind::Box(_))
    }

    /// Reads available bytes, at most one buffer full. An empty result means that the client has
    /// closed.
    pub(crate) async fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut buffer = vec![0; 16 * 1024];
        let length = match &mut self.kind {
            Kind::Clear(stream) => stream.read(&mut buffer).await?,
            Kind::Tls(stream) => stream.read(&mut buffer).await?,
            Kind::Box(tls) => tls.read(&mut buffer).await?,
            Kind::Gone => 0,
        };
        buffer.truncate(length);
        if self.is_tls() {
            self.note(Side::Client, Form::Inside, &buffer);
        }
        Ok(buffer)
    }

    /// Records bytes of the client that were read in clear.
    pub(crate) fn note_clear(&self, form: Form, bytes: &[u8]) {
        self.note(Side::Client, form, bytes);
    }

    fn note(&self, from: Side, form: Form, bytes: &[u8]) {
        if !bytes.is_empty() {
            let bytes = bytes.to_vec();
            self.record.push(self.line, What::Bytes { from, form, bytes });
        }
    }

    /// Writes bytes at once: in one segment, if the stream has segments. If the client has closed, they
    /// are lost; its earlier bytes and its close can still be read.
    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let form = if self.is_tls() { Form::Inside } else { Form::Clear };
        self.note(Side::Server, form, bytes);
        let _ = match &mut self.kind {
            Kind::Clear(stream) => stream.write_all(bytes).await,
            Kind::Tls(stream) => match stream.write_all(bytes).await {
                Ok(()) => stream.flush().await,
                error => error,
            },
            Kind::Box(tls) => tls.write_all(bytes).await,
            Kind::Gone => Ok(()),
        };
    }

    /// Does a handshake as the server, with this certificate. `first` are the bytes of the handshake
    /// that were already read.
    pub(crate) async fn handshake(
        &mut self,
        certificates: &Certificates,
        peer: Peer,
        first: Vec<u8>,
    ) -> Handshake {
        let stream = match std::mem::replace(&mut self.kind, Kind::Gone) {
            Kind::Clear(stream) => stream,
            other => {
                self.kind = other;
                return Handshake::Failed(Vec::new());
            }
        };
        let tap = Tap::new(stream, self.record.clone(), self.line, first);
        let accepted = if tap.is_simulated() {
            TlsBox::accept(tap, peer).await.map(|tls| Kind::Box(Box::new(tls)))
        } else {
            let accepting = TlsAcceptor::from(certificates.server(peer)).accept(tap);
            accepting.into_fallible().await.map(|stream| Kind::Tls(Box::new(stream)))
        };
        match accepted {
            Ok(kind) => {
                self.record.push(self.line, What::TlsStarted);
                self.kind = kind;
                Handshake::Done
            }
            Err((error, tap)) => {
                self.record.push(self.line, What::TlsFailed(error.to_string()));
                let seen = tap.seen().to_vec();
                self.kind = Kind::Clear(tap.into_inner());
                Handshake::Failed(seen)
            }
        }
    }

    /// Ends TLS with a close_notify and keeps the connection open. Records that the client sent
    /// meanwhile, and that were not read inside TLS, are ignored.
    pub(crate) async fn end_tls(&mut self) {
        let tap = match std::mem::replace(&mut self.kind, Kind::Gone) {
            Kind::Tls(mut stream) => {
                let (_, session) = stream.get_mut();
                session.send_close_notify();
                let _ = stream.flush().await;
                stream.into_inner().0
            }
            Kind::Box(mut tls) => {
                let _ = tls.close_notify().await;
                tls.into_inner()
            }
            other => {
                self.kind = other;
                return;
            }
        };
        self.record.push(self.line, What::TlsEnded);
        self.kind = Kind::Clear(tap.into_inner());
    }

    /// Closes the persona's direction in order: with close_notify inside TLS, and FIN. The client's
    /// bytes can still be read.
    pub(crate) async fn shut(&mut self) {
        let _ = match &mut self.kind {
            Kind::Clear(stream) => stream.shutdown().await,
            Kind::Tls(stream) => stream.shutdown().await,
            Kind::Box(tls) => tls.shutdown().await,
            Kind::Gone => return,
        };
        self.record.push(self.line, What::Closed(Side::Server, String::new()));
        self.shut = true;
    }

    /// Closes in order, and drops the connection.
    pub(crate) async fn close(&mut self) {
        if self.shut {
            self.kind = Kind::Gone;
            return;
        }
        match std::mem::replace(&mut self.kind, Kind::Gone) {
            Kind::Clear(mut stream) => drop(stream.shutdown().await),
            Kind::Tls(mut stream) => drop(stream.shutdown().await),
            Kind::Box(mut tls) => drop(tls.shutdown().await),
            Kind::Gone => return,
        }
        self.record.push(self.line, What::Closed(Side::Server, String::new()));
    }

    /// Cuts: RST in clear, FIN without a close_notify inside TLS.
    pub(crate) async fn cut(&mut self) {
        let how = match std::mem::replace(&mut self.kind, Kind::Gone) {
            Kind::Clear(stream) => {
                stream.reset();
                " with a reset"
            }
            Kind::Tls(stream) => {
                let (tap, _) = stream.into_inner();
                drop(tap.into_inner().shutdown().await);
                " without a close_notify"
            }
            Kind::Box(tls) => {
                drop(tls.into_inner().into_inner().shutdown().await);
                " without a close_notify"
            }
            Kind::Gone => return,
        };
        self.record.push(self.line, What::Closed(Side::Server, how.to_owned()));
    }
}
