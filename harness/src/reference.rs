//! The built-in client: a client of the model over real sockets and real TLS.
//!
//! It makes no decisions. The model's step function gets the received messages, and this driver
//! performs its outputs. The driver reads as much as it can, so that bytes in the same segment after
//! the reply to the upgrade request really are in the client's buffer.

mod channel;
pub(crate) mod reading;

use std::sync::Arc;
use std::time::Duration;

use upward_model::client::{Client, Close, End, Input, Output, Step, Target, View};
use upward_model::message::Segment;

use crate::canary::Canaries;
use crate::codec::Codec;
use crate::link::{self, Address, Failed, Verifier, VerifyError};

use self::reading::Reading;

/// The built-in client's task: the server, and the secrets to use.
#[derive(Clone)]
pub(crate) struct Errand {
    /// The persona's address.
    pub(crate) address: Address,
    /// The authority to trust, as PEM.
    pub(crate) ca: String,
    /// The canaries of each of its user's sessions.
    pub(crate) canaries: Vec<Arc<Canaries>>,
    /// The time after which it stops waiting.
    pub(crate) deadline: Duration,
}

/// How the built-in client ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finished {
    /// How each session ended, in order.
    pub ends: Vec<End>,
    /// Whether the user was told of a failure in the last session to end.
    pub told: bool,
    /// The text shown to the user.
    pub shown: String,
    /// The server's data passed to the application.
    pub handed_over: String,
    /// Whether it did not end.
    pub hung: bool,
    /// The connection with which its last session began, counted from 0.
    pub last_session_at: usize,
    /// How many connections it opened.
    connections: usize,
}

impl Finished {
    /// Whether its end looks like success to its user.
    pub fn claims_success(&self) -> bool {
        self.ends.last() == Some(&End::Delivered) || !self.told
    }
}

/// Runs a client of the model.
///
/// # Errors
///
/// If TLS cannot be set up from `errand.ca`. Network errors are not errors here.
pub(crate) async fn run<C: Client + Sync>(
    client: &C,
    codec: &dyn Codec,
    errand: Errand,
) -> Result<Finished, VerifyError> {
    let verifier = Verifier::new(&errand.ca)?;
    let mut driver = Driver {
        client,
        codec,
        reading: Reading::new(client, codec.client()),
        verifier,
        errand,
        link: link::ClientLink::None,
        data: link::ClientLink::None,
        text: String::new(),
        finished: Finished::default(),
    };
    driver.run().await;
    Ok(driver.finished)
}

struct Driver<'a, C: Client> {
    client: &'a C,
    codec: &'a dyn Codec,
    reading: Reading<'a, C>,
    verifier: Verifier,
    errand: Errand,
    link: link::ClientLink,
    /// The second channel, if there is one.
    data: link::ClientLink,
    /// The text of the last segment received in clear.
    text: String,
    finished: Finished,
}

impl<C: Client + Sync> Driver<'_, C> {
    async fn run(&mut self) {
        let start = self.client.start();
        let mut inputs: Vec<Input> = Vec::new();
        let mut state = start.state.clone();
        self.perform(&start, &mut inputs).await;
        while self.client.view(&state) != View::Ended {
            let input = if inputs.is_empty() {
                let wait = tokio::time::timeout(self.errand.deadline, self.next(&state));
                match wait.await {
                    Ok(received) => {
                        inputs = received;
                        continue;
                    }
                    Err(_) => Input::Deadline,
                }
            } else {
                inputs.remove(0)
            };
            let last = input == Input::Deadline;
            let step = self.reading.step(&state, input).step;
            state = step.state.clone();
            self.perform(&step, &mut inputs).await;
            if last && self.client.view(&state) != View::Ended && inputs.is_empty() {
                self.finished.hung = true;
                return;
            }
        }
    }

    /// Performs the outputs of a step.
    async fn perform(&mut self, step: &Step<C::State>, inputs: &mut Vec<Input>) {
        let mut out: Vec<u8> = Vec::new();
        for &output in &step.outputs {
            match output {
                Output::Connect(target) => {
                    inputs.clear();
                    self.finished.told = false;
                    inputs.push(self.connect(target).await);
                    self.finished.connections += 1;
                }
                Output::Send(command) => {
                    let canaries = self.canaries();
                    out.extend(self.reading.words.say(command, &canaries));
                }
                Output::StartTls | Output::Close => {
                    self.write(&std::mem::take(&mut out)).await;
                    if output == Output::Close {
                        let _ = self.link.close().await;
                    }
                }
                Output::Tell => self.finished.told = true,
                Output::Shows => self.finished.shown.push_str(&self.text),
                Output::HandsOver => self.finished.handed_over.push_str(&self.text),
                Output::End(end) => {
                    self.finished.ends.push(end);
                    if self.finished.ends.len() + 1 == self.errand.canaries.len() {
                        self.finished.last_session_at = self.finished.connections;
                    }
                }
                Output::OpenChannel(layer) => {
                    self.write(&std::mem::take(&mut out)).await;
                    inputs.extend(self.open_channel(layer).await);
                }
                Output::MoveData => self.move_data().await,
                Output::Took(_)
                | Output::UsedClearKnowledge(_)
                | Output::Skipped
                | Output::UsedNameFromWire
                | Output::TookTruncation => {}
            }
        }
        self.write(&out).await;
    }

    /// The canaries of the session that runs now.
    fn canaries(&self) -> Arc<Canaries> {
        let session = self.finished.ends.len().min(self.errand.canaries.len() - 1);
        Arc::clone(&self.errand.canaries[session])
    }

    async fn connect(&mut self, target: Target) -> Input {
        let redirected = target == Target::Redirected;
        self.reading.begin(self.codec.client());
        self.link = link::ClientLink::connect(&self.errand.address, redirected).await;
        if matches!(self.link, link::ClientLink::None) {
            return Input::Closed(Close::Cut);
        }
        Input::Connected
    }

    /// Writes bytes. If the peer has closed, the next read reports that.
    async fn write(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            let _ = self.link.write(bytes).await;
        }
    }

    /// Waits for the next input.
    async fn next(&mut self, state: &C::State) -> Vec<Input> {
        if self.client.view(state) == View::Handshaking
            && !matches!(self.link, link::ClientLink::None)
        {
            return self.handshake().await;
        }
        match self.link.read().await {
            Ok(bytes) if bytes.is_empty() => self.end_of_layer().await,
            Ok(bytes) => self.received(&bytes).await,
            Err(_) => {
                self.link = link::ClientLink::None;
                vec![Input::Closed(Close::Cut)]
            }
        }
    }

    /// Parses received bytes into a segment; sends the next step of a command that has several.
    async fn received(&mut self, bytes: &[u8]) -> Vec<Input> {
        let cut = self.reading.cut(bytes);
        self.write(&cut.more).await;
        if !self.link.is_tls() {
            self.text.clone_from(&cut.text);
        }
        if cut.pieces.is_empty() {
            return Vec::new();
        }
        vec![Input::Segment(Segment::new(&cut.pieces))]
    }

    /// The end of a layer: of the connection, or of TLS alone.
    async fn end_of_layer(&mut self) -> Vec<Input> {
        let Some(clear) = self.link.outlive_tls().await else {
            return vec![Input::Closed(Close::Orderly)];
        };
        let mut inputs = vec![Input::TlsEnded];
        inputs.extend(self.received(&clear).await);
        inputs
    }

    async fn handshake(&mut self) -> Vec<Input> {
        match self.link.handshake(&self.verifier).await {
            Ok(peer) => vec![Input::Handshake(peer)],
            Err(Failed::Clear(bytes)) => self.received(&bytes).await,
            Err(Failed::Gone) => vec![Input::Closed(Close::Cut)],
            Err(Failed::Refused) => vec![Input::HandshakeFailed],
        }
    }
}
