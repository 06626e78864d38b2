//! The output of a process: read to its end, and recorded up to a limit.

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::GRACE;

/// Output, as far as it was recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captured {
    /// The recorded bytes.
    pub bytes: Vec<u8>,
    /// How many bytes were discarded after the limit.
    pub dropped: u64,
}

/// Reads an output in the background.
pub(super) struct Capture {
    kept: watch::Receiver<Captured>,
    task: JoinHandle<()>,
}

impl Capture {
    /// Records up to `limit` bytes, and reads on after that, so that the writer is not blocked.
    pub(super) fn new(
        stream: Option<impl AsyncRead + Unpin + Send + 'static>,
        limit: usize,
    ) -> Self {
        let (keep, kept) = watch::channel(Captured::default());
        let task = tokio::spawn(async move {
            let Some(mut stream) = stream else { return };
            let mut buffer = vec![0; 64 * 1024];
            while let Ok(length @ 1..) = stream.read(&mut buffer).await {
                keep.send_modify(|captured| {
                    let room = limit.saturating_sub(captured.bytes.len()).min(length);
                    captured.bytes.extend_from_slice(&buffer[..room]);
                    captured.dropped += (length - room) as u64;
                });
            }
        });
        Self { kept, task }
    }

    /// The recorded output, once all writers have closed it. If a process outside the run still holds
    /// the other end, stops waiting after `GRACE`.
    pub(super) async fn end(&mut self) -> Captured {
        if tokio::time::timeout(GRACE, &mut self.task).await.is_err() {
            self.task.abort();
        }
        self.kept.borrow().clone()
    }

    /// The output so far, and its updates.
    pub(super) fn watch(&self) -> watch::Receiver<Captured> {
        self.kept.clone()
    }
}
