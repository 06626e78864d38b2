//! The messages between a stage and its parent.
//!
//! They use one stream of a socket pair. The stage sends lines of JSON; the parent sends single bytes,
//! some with descriptors. When one end is closed, because its owner has ended for any reason, the owner
//! of the other end notices. So a run ends with the program that started it.

use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use serde::{Deserialize, Serialize};
use tokio::io::Interest;
use tokio::net::UnixStream;

/// A message from a stage to its parent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Message {
    /// It is in namespaces of its own, and waits for its user and group to be mapped.
    Unshared,
    /// It listens; the sockets are attached to this message, the trap's last.
    Listening,
    /// It cannot be isolated.
    NotIsolated {
        /// What failed.
        step: String,
        /// The system's error.
        errno: i32,
    },
    /// The client was started.
    Started,
    /// The client could not be started, for this error of the system.
    NotStarted(i32),
    /// The client has ended by itself.
    Exited(i32),
    /// The client was ended by a signal.
    Signalled(i32),
    /// No process is left below the stage, and it waits for the next order.
    Cleared,
}

/// Asks the stage to send the client SIGTERM.
pub(super) const ASK: u8 = b'?';

/// Asks the stage to kill the client and all processes below it.
pub(super) const END: u8 = b'.';

/// The most descriptors in one message: an order and the client's input and outputs.
const DESCRIPTORS: usize = 4;

/// The longest message, in bytes.
const LONGEST: usize = 4096;

/// Sends bytes, and any descriptors with them.
pub(super) fn say(to: impl AsFd, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() {
        ancillary.push(SendAncillaryMessage::ScmRights(descriptors));
    }
    // A message is shorter than the socket's buffer, so it is sent in one piece.
    let sent = sendmsg(to, &[IoSlice::new(bytes)], &mut ancillary, SendFlags::NOSIGNAL)?;
    if sent == bytes.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
}

/// Sends a message, and any descriptors with it.
pub(super) fn tell(
    to: impl AsFd,
    message: &Message,
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    say(to, &line, descriptors)
}

/// Receives some bytes and the descriptors attached to them; 0 bytes mean that the other end is closed.
pub(super) fn hear(from: impl AsFd, bytes: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut slices = [IoSliceMut::new(bytes)];
    let received = recvmsg(from, &mut slices, &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    let mut descriptors = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            descriptors.extend(rights);
        }
    }
    Ok((received.bytes, descriptors))
}

/// The parent's end of the stream.
#[derive(Debug)]
pub(super) struct Control {
    stream: UnixStream,
    heard: Vec<u8>,
    descriptors: VecDeque<OwnedFd>,
}

impl Control {
    /// Creates both ends: the parent's, and the stage's.
    pub(super) fn pair() -> io::Result<(Self, OwnedFd)> {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let stream = UnixStream::from_std(ours)?;
        Ok((Self { stream, heard: Vec::new(), descriptors: VecDeque::new() }, theirs.into()))
    }

    /// Tells the stage to go on.
    pub(super) fn go_on(&self, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        // The stage reads each byte before the next one is sent, so the buffer has room.
        say(&self.stream, b"!", descriptors)
    }

    /// Gives the stage a client to start, with its standard input, output and error.
    pub(super) fn order(&self, order: &OwnedFd, ends: &[OwnedFd; 3]) -> io::Result<()> {
        let [stdin, stdout, stderr] = ends.each_ref().map(AsFd::as_fd);
        self.go_on(&[order.as_fd(), stdin, stdout, stderr])
    }

    /// Tells the stage to ask the client to end.
    pub(super) fn ask(&self) -> io::Result<()> {
        say(&self.stream, &[ASK], &[])
    }

    /// The next message; `None` when the stage has ended.
    pub(super) async fn next(&mut self) -> io::Result<Option<Message>> {
        loop {
            if let Some(end) = self.heard.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.heard.drain(..=end).collect();
                return Ok(Some(serde_json::from_slice(&line)?));
            }
            let mut bytes = [0; LONGEST];
            let (length, descriptors) =
                self.stream.async_io(Interest::READABLE, || hear(&self.stream, &mut bytes)).await?;
            if length == 0 {
                return Ok(None);
            }
            self.heard.extend_from_slice(&bytes[..length]);
            self.descriptors.extend(descriptors);
            if self.heard.len() > LONGEST {
                return Err(io::ErrorKind::InvalidData.into());
            }
        }
    }

    /// Takes the descriptors received so far.
    pub(super) fn descriptors(&mut self) -> impl Iterator<Item = OwnedFd> {
        self.descriptors.drain(..)
    }

    /// Tells the stage to end the run.
    pub(super) fn end(&self) {
        // If the stage has ended, so has the run.
        let _ = say(&self.stream, &[END], &[]);
    }

    /// Tells the stage to end the run, if there is one, and then itself: it sees the end of the stream.
    pub(super) fn close(&self) {
        let _ = rustix::net::shutdown(&self.stream, rustix::net::Shutdown::Write);
    }

    /// Blocks until the stage has ended, or the time is over; returns whether it has ended. For callers
    /// that cannot await.
    pub(super) fn wait_for_end(&self, at_most: Duration) -> bool {
        let until = Instant::now() + at_most;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let left = Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: left.subsec_nanos().into(),
            };
            let mut ready = [PollFd::new(&self.stream, PollFlags::IN)];
            match poll(&mut ready, Some(&left)) {
                Ok(1..) => {}
                Err(rustix::io::Errno::INTR) => continue,
                _ => return false,
            }
            match hear(&self.stream, &mut [0; LONGEST]) {
                Ok((0, _)) => return true,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return true,
            }
        }
    }
}

impl AsFd for Control {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;

    #[tokio::test]
    async fn messages_and_descriptors_come_in_order() {
        let (mut control, stage) = Control::pair().unwrap();
        let (mut reader, writer) = io::pipe().unwrap();
        tell(&stage, &Message::Unshared, &[]).unwrap();
        tell(&stage, &Message::Listening, &[writer.as_fd()]).unwrap();
        drop(writer);
        assert_eq!(control.next().await.unwrap(), Some(Message::Unshared));
        assert_eq!(control.next().await.unwrap(), Some(Message::Listening));
        let writer = control.descriptors().next().unwrap();
        std::fs::File::from(writer).write_all(b"through").unwrap();
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "through");
        control.end();
        control.close();
        let mut said = [0];
        assert_eq!((hear(&stage, &mut said).unwrap().0, said), (1, [END]));
        assert_eq!(hear(&stage, &mut said).unwrap().0, 0);
        drop(stage);
        assert_eq!(control.next().await.unwrap(), None);
    }

    #[tokio::test]
    async fn nonsense_is_an_error_and_bounded() {
        for bytes in [&b"x\n"[..], &[b'x'; LONGEST], b"\xff\xff\n"] {
            let (mut control, stage) = Control::pair().unwrap();
            say(&stage, bytes, &[]).unwrap();
            say(&stage, bytes, &[]).unwrap();
            drop(stage);
            assert!(control.next().await.is_err());
        }
    }
}
