//! A box in place of TLS: it has records and a handshake, names the certificate, and encrypts nothing.
//!
//! It fails where TLS fails: on bytes that are not a record, on an alert, and on an end without
//! close_notify.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use upward_model::client::Peer;

use super::tap::Tap;
use crate::tls::record_length;

/// The types of records (RFC 8446 section 5.1).
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const DATA: u8 = 23;

/// The first octets of the handshake's messages (RFC 8446 section 4).
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const FINISHED: u8 = 20;

/// The contents of alerts (RFC 8446 section 6).
const CLOSE_NOTIFY: [u8; 2] = [1, 0];
const UNEXPECTED_MESSAGE: [u8; 2] = [2, 10];

/// The length of a record's header.
const HEAD: usize = 5;

/// The longest piece of data in one record.
const LONGEST: usize = 1 << 14;

/// A connection with simulated TLS.
#[derive(Debug)]
pub(crate) struct TlsBox {
    tap: Tap,
    /// Bytes received and not decoded into records yet.
    records: Vec<u8>,
    /// Decoded data that was not read yet.
    data: Vec<u8>,
    /// Whether the peer has sent close_notify.
    ended: bool,
}

/// One record.
struct Opened {
    kind: u8,
    body: Vec<u8>,
}

impl TlsBox {
    const fn new(tap: Tap) -> Self {
        Self { tap, records: Vec::new(), data: Vec::new(), ended: false }
    }

    /// Does a handshake as the client; returns the kind of certificate that the peer presented.
    pub(super) async fn connect(tap: Tap) -> Result<(Self, Peer), (io::Error, Tap)> {
        let mut tls = Self::new(tap);
        match tls.greets().await {
            Ok(peer) => Ok((tls, peer)),
            Err(error) => Err((error, tls.tap)),
        }
    }

    /// Does a handshake as the server, with this certificate.
    pub(super) async fn accept(tap: Tap, peer: Peer) -> Result<Self, (io::Error, Tap)> {
        let mut tls = Self::new(tap);
        match tls.answers(peer).await {
            Ok(()) => Ok(tls),
            Err(error) => Err((error, tls.tap)),
        }
    }

    async fn greets(&mut self) -> io::Result<Peer> {
        self.send(HANDSHAKE, &[CLIENT_HELLO]).await?;
        let body = self.handshake_message(SERVER_HELLO).await?;
        let shown = body.get(1).and_then(|&number| Peer::ALL.get(usize::from(number)));
        let peer = *shown.ok_or_else(corrupt)?;
        self.send(HANDSHAKE, &[FINISHED]).await?;
        Ok(peer)
    }

    async fn answers(&mut self, peer: Peer) -> io::Result<()> {
        self.handshake_message(CLIENT_HELLO).await?;
        let number = Peer::ALL.iter().position(|one| *one == peer).unwrap_or_default();
        let number = u8::try_from(number).unwrap_or_default();
        self.send(HANDSHAKE, &[SERVER_HELLO, number]).await?;
        self.handshake_message(FINISHED).await?;
        Ok(())
    }

    async fn handshake_message(&mut self, first: u8) -> io::Result<Vec<u8>> {
        let opened = self.open().await?;
        if opened.kind == HANDSHAKE && opened.body.first() == Some(&first) {
            return Ok(opened.body);
        }
        if opened.kind != ALERT {
            let _ = self.send(ALERT, &UNEXPECTED_MESSAGE).await;
        }
        Err(corrupt())
    }

    /// Reads available data into a buffer. 0 means that the peer has ended TLS.
    pub(super) async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.data.is_empty() && !self.ended {
            let opened = self.open().await?;
            match opened.kind {
                DATA => self.data = opened.body,
                ALERT if opened.body == CLOSE_NOTIFY => self.ended = true,
                ALERT => return Err(corrupt()),
                _ => {
                    let _ = self.send(ALERT, &UNEXPECTED_MESSAGE).await;
                    return Err(corrupt());
                }
            }
            // Decode all received records at once, as TLS itself does.
            while let Some(next) = self.opened()? {
                match next.kind {
                    DATA => self.data.extend(next.body),
                    ALERT if next.body == CLOSE_NOTIFY => self.ended = true,
                    _ => return Err(corrupt()),
                }
                if self.ended {
                    break;
                }
            }
        }
        let length = self.data.len().min(buffer.len());
        buffer[..length].copy_from_slice(&self.data[..length]);
        self.data.drain(..length);
        Ok(length)
    }

    /// Writes all bytes.
    pub(super) async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        for piece in bytes.chunks(LONGEST) {
            self.send(DATA, piece).await?;
        }
        Ok(())
    }

    /// Sends close_notify.
    pub(super) async fn close_notify(&mut self) -> io::Result<()> {
        self.send(ALERT, &CLOSE_NOTIFY).await
    }

    /// Sends close_notify, and closes this direction.
    pub(super) async fn shutdown(&mut self) -> io::Result<()> {
        self.close_notify().await?;
        self.tap.shutdown().await
    }

    /// The connection below.
    pub(super) fn into_inner(self) -> Tap {
        self.tap
    }

    async fn send(&mut self, kind: u8, body: &[u8]) -> io::Result<()> {
        let length = u16::try_from(body.len()).map_err(|_| corrupt())?.to_be_bytes();
        let record = [&[kind, 3, 3], &length[..], body].concat();
        self.tap.write_all(&record).await
    }

    /// Waits for the next record.
    async fn open(&mut self) -> io::Result<Opened> {
        loop {
            match self.opened() {
                Ok(Some(opened)) => return Ok(opened),
                Ok(None) => {}
                Err(error) => {
                    let _ = self.send(ALERT, &UNEXPECTED_MESSAGE).await;
                    return Err(error);
                }
            }
            let mut buffer = vec![0; LONGEST];
            match self.tap.read(&mut buffer).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                length => self.records.extend_from_slice(&buffer[..length]),
            }
        }
    }

    /// The next record, if it is complete.
    fn opened(&mut self) -> io::Result<Option<Opened>> {
        if self.records.len() < HEAD {
            return Ok(None);
        }
        let length = record_length(&self.records).ok_or_else(corrupt)?;
        if self.records.len() < length {
            return Ok(None);
        }
        let record: Vec<u8> = self.records.drain(..length).collect();
        Ok(Some(Opened { kind: record[0], body: record[HEAD..].to_vec() }))
    }
}

fn corrupt() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "received what is no message of TLS")
}
