//! What a process writes: read to its end, kept as far as it may be.

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::GRACE;

/// Output, as far as it was kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captured {
    /// What was kept.
    pub bytes: Vec<u8>,
    /// How many bytes were not.
    pub dropped: u64,
}

/// An output that is being read.
pub(super) struct Capture {
    kept: watch::Receiver<Captured>,
    task: JoinHandle<()>,
}

impl Capture {
    /// Keeps no more than it may, and goes on reading, so that nobody is blocked.
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

    /// What was read, once all who could write are gone. Somebody else may have been given the other
    /// end, and hold it: that is not waited for.
    pub(super) async fn end(&mut self) -> Captured {
        if tokio::time::timeout(GRACE, &mut self.task).await.is_err() {
            self.task.abort();
        }
        self.kept.borrow().clone()
    }

    /// What is read, while it is.
    pub(super) fn watch(&self) -> watch::Receiver<Captured> {
        self.kept.clone()
    }
}
