//! A pipe in memory whose ends behave like those of a TCP connection.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

/// How many bytes are in transit at most, in each direction.
const BUFFER: usize = 64 * 1024;

/// One end of a pipe.
#[derive(Debug)]
pub(crate) struct Pipe {
    stream: DuplexStream,
    /// Whether one of the ends was reset.
    reset: Arc<AtomicBool>,
}

/// Both ends of a pipe.
pub(super) fn pair() -> (Pipe, Pipe) {
    let (one, other) = tokio::io::duplex(BUFFER);
    let reset = Arc::new(AtomicBool::new(false));
    (Pipe { stream: one, reset: Arc::clone(&reset) }, Pipe { stream: other, reset })
}

impl Pipe {
    /// Resets it: the other end gets a reset after it has read the bytes in transit.
    pub(super) fn reset(self) {
        self.reset.store(true, Ordering::Relaxed);
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        let ended = matches!(polled, Poll::Ready(Ok(()))) && buffer.filled().len() == before;
        if ended && self.reset.load(Ordering::Relaxed) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        polled
    }
}

impl AsyncWrite for Pipe {
    /// Bytes written to a closed end are lost: the writer gets the error at its next read.
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write(context, bytes) {
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
                Poll::Ready(Ok(bytes.len()))
            }
            polled => polled,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
