//! A stream that records what passes through it, and that can be given bytes back.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::stream::Stream;
use crate::wire::{Form, Line, Record, Side, What};

/// A connection under a TLS layer: records the raw TLS records that pass.
#[derive(Debug)]
pub(crate) struct Tap {
    stream: Stream,
    record: Record,
    line: Line,
    /// Bytes that were read before TLS began and belong to it.
    given_back: Vec<u8>,
    /// The bytes that the TLS layer has read, up to a limit.
    seen: Vec<u8>,
}

/// How many bytes read by the TLS layer are kept for later examination.
const SEEN: usize = 256 << 10;

impl Tap {
    /// Taps a connection; `first` are the bytes that were already read from it.
    pub(super) const fn new(stream: Stream, record: Record, line: Line, first: Vec<u8>) -> Self {
        Self { stream, record, line, given_back: first, seen: Vec::new() }
    }

    /// The connection itself.
    pub(super) fn into_inner(self) -> Stream {
        self.stream
    }

    /// Whether the connection is simulated in memory.
    pub(super) const fn is_simulated(&self) -> bool {
        self.stream.is_simulated()
    }

    /// What the TLS layer has read, from its first byte on.
    pub(super) fn seen(&self) -> &[u8] {
        &self.seen
    }

    fn note(&mut self, from: Side, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if from == Side::Client && self.seen.len() + bytes.len() <= SEEN {
            self.seen.extend_from_slice(bytes);
        }
        let bytes = bytes.to_vec();
        self.record.push(self.line, What::Bytes { from, form: Form::Records, bytes });
    }
}

impl AsyncRead for Tap {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.given_back.is_empty() {
            let length = self.given_back.len().min(buffer.remaining());
            let bytes: Vec<u8> = self.given_back.drain(..length).collect();
            buffer.put_slice(&bytes);
            self.note(Side::Client, &bytes);
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if matches!(polled, Poll::Ready(Ok(()))) {
            let bytes = buffer.filled()[before..].to_vec();
            self.note(Side::Client, &bytes);
        }
        polled
    }
}

impl AsyncWrite for Tap {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        if let Poll::Ready(Ok(length)) = polled {
            self.note(Side::Server, &bytes[..length]);
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
