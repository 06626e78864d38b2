//! The sound negotiation as a library: returns a connection with TLS, or the reason why there is none.
//!
//! It is the model's client, [`Negotiator`], over Tokio and rustls. The step function whose properties
//! are proved decides which commands are sent before TLS, when TLS begins, and when to give up. The
//! negotiation ends where the session begins, and hands over the connection.
//!
//! ```no_run
//! use tokio::io::AsyncWriteExt;
//! use upward::Policy;
//! use upward::negotiate::{Connection, Negotiation, trusting};
//!
//! # async fn example(roots: rustls::RootCertStore) -> Result<(), Box<dyn std::error::Error>> {
//! let negotiation = Negotiation::new("smtp", Policy::Required, "mail.example", trusting(roots)?)?
//!     .introduced_as("client.example")?;
//! match negotiation.connect(("mail.example", 587)).await? {
//!     Connection::Tls(mut stream) => stream.write_all(b"EHLO client.example\r\n").await?,
//!     Connection::Clear(_) => unreachable!("never under `Required`"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The following parts are trusted and not proved: the codec that parses messages, Tokio and rustls. No
//! clear text of the server is handed over, since an attacker on the network may have sent it; a
//! [`Refusal`] does not quote it either.

mod refusal;

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{InvalidDnsNameError, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, ToSocketAddrs};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use upward_model::client::{
    Client as _, Close, End, Input, Negotiator, Output, Outputs, Peer, State, View,
};
use upward_model::message::{CAPACITY, Command, Segment};
use upward_model::policy::Policy;
use upward_model::variant::{Leftover, Variant};

use crate::canary::Canaries;
use crate::catalogue;
use crate::certificate::provider;
use crate::codec::Codec;
use crate::reference::reading::{Reading, Taken};

pub use self::refusal::Refusal;

/// The longest incomplete message, in bytes.
const LONGEST: usize = 64 * 1024;

/// The terms of a negotiation: protocol, policy, server and configuration.
#[derive(Clone)]
pub struct Negotiation {
    client: Negotiator,
    codec: Arc<dyn Codec>,
    server: ServerName<'static>,
    config: Arc<ClientConfig>,
    name: String,
    deadline: Duration,
}

/// A connection that is ready for the session.
#[derive(Debug)]
pub enum Connection {
    /// TLS is established with a peer that the configuration accepts. After an upgrade it is the
    /// client's turn; it must ask again for what it learned before TLS. Under [`Policy::Implicit`] no
    /// byte has been sent inside TLS yet: a server that greets does so now.
    Tls(Box<TlsStream<TcpStream>>),
    /// There is no TLS, and [`Policy::Opportunistic`] goes on without it. The server has sent its
    /// greeting, if the protocol has one, and it is the client's turn.
    Clear(TcpStream),
}

/// Errors in the terms of a negotiation.
#[derive(Debug, thiserror::Error)]
pub enum TermsError {
    /// There is no such protocol, or it has no codec.
    #[error("protocol `{0}` has no codec")]
    NoCodec(String),
    /// The server's name is not valid.
    #[error("server name `{0}`: {1}")]
    ServerName(String, InvalidDnsNameError),
    /// The client's name contains characters that are not allowed on a line.
    #[error("client name {0:?}: expected visible ASCII characters, and no space")]
    ClientName(String),
}

/// A configuration that trusts only these authorities.
///
/// # Errors
///
/// If the crypto library does not fit rustls; this does not depend on the user.
pub fn trusting(roots: RootCertStore) -> Result<Arc<ClientConfig>, rustls::Error> {
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

impl Negotiation {
    /// Negotiates TLS in a protocol that has a codec, such as `smtp`, with the server and the policy
    /// that the user chose.
    ///
    /// The configuration authenticates the server. Under [`Policy::Opportunistic`], a rejected
    /// certificate is a failed handshake: the client connects once more and goes on in clear. To use
    /// TLS with an unauthenticated server instead, pass a verifier that accepts every certificate.
    ///
    /// # Errors
    ///
    /// If the protocol has no codec, or the name is not valid.
    pub fn new(
        protocol: &str,
        policy: Policy,
        server: &str,
        config: Arc<ClientConfig>,
    ) -> Result<Self, TermsError> {
        let unknown = || TermsError::NoCodec(protocol.to_owned());
        let entry = catalogue::by_name(protocol).ok_or_else(unknown)?;
        let name = ServerName::try_from(server.to_owned())
            .map_err(|error| TermsError::ServerName(server.to_owned(), error))?;
        // Both choices are sound. Giving up tells the user about the attack.
        let variant = Variant { leftover: Leftover::Refuse, ..Variant::COMMON };
        Ok(Self {
            client: Negotiator::sound(entry.protocol, policy).with_variant(variant),
            codec: entry.codec(),
            server: name,
            config,
            name: "localhost".to_owned(),
            deadline: Duration::from_secs(60),
        })
    }

    /// The client's name in clear; `localhost` by default.
    ///
    /// # Errors
    ///
    /// If the name is empty, or contains a space or other characters than visible ASCII.
    pub fn introduced_as(mut self, name: &str) -> Result<Self, TermsError> {
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TermsError::ClientName(name.to_owned()));
        }
        name.clone_into(&mut self.name);
        Ok(self)
    }

    /// How long the whole negotiation may take; one minute by default.
    #[must_use]
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Connects and negotiates. Under [`Policy::Opportunistic`] a second connection may be opened.
    ///
    /// # Errors
    ///
    /// If there is no TLS and the policy requires it. Then only an introduction, the upgrade request
    /// and a goodbye were sent in clear, and the connection is closed.
    pub async fn connect(&self, to: impl ToSocketAddrs) -> Result<Connection, Refusal> {
        let mut driver = Driver {
            terms: self,
            reading: Reading::new(&self.client, self.codec.client_of_any_server()),
            stream: None,
            until: tokio::time::Instant::now() + self.deadline,
            failure: None,
        };
        driver.run(&to).await
    }
}

/// A running negotiation.
struct Driver<'a> {
    terms: &'a Negotiation,
    reading: Reading<'a, Negotiator>,
    stream: Option<TcpStream>,
    until: tokio::time::Instant,
    /// Why the last connection or handshake failed.
    failure: Option<Refusal>,
}

/// The result of a wait.
enum Event {
    Inputs(Vec<Input>),
    Secured(Box<TlsStream<TcpStream>>),
}

impl Driver<'_> {
    async fn run(&mut self, to: &impl ToSocketAddrs) -> Result<Connection, Refusal> {
        let client = &self.terms.client;
        let first = client.start();
        let mut state = first.state;
        let mut inputs = self.perform(&first.outputs, to).await;
        loop {
            let (input, secured) = if inputs.is_empty() {
                match tokio::time::timeout_at(self.until, self.next(&state)).await {
                    Ok(Event::Inputs(more)) => {
                        inputs = more;
                        continue;
                    }
                    Ok(Event::Secured(stream)) => (Input::Handshake(Peer::Genuine), Some(stream)),
                    Err(_) => (Input::Deadline, None),
                }
            } else {
                (inputs.remove(0), None)
            };
            let Taken { from, step } = self.reading.step(&state, input.clone());
            if step.outputs.contains(&Output::End(End::Refused)) {
                self.perform(&step.outputs, to).await;
                let known = self.failure.take().filter(|_| !matches!(input, Input::Segment(_)));
                return Err(known.unwrap_or_else(|| Refusal::why(client, &from, &input)));
            }
            if let Some(stream) = secured {
                return Ok(Connection::Tls(stream));
            }
            if begins_session(&step.outputs)
                && let Some(stream) = self.stream.take()
            {
                return Ok(Connection::Clear(stream));
            }
            state = step.state;
            let connected = self.perform(&step.outputs, to).await;
            if step.outputs.iter().any(|output| matches!(output, Output::Connect(_))) {
                inputs = connected;
            }
        }
    }

    /// Performs the outputs of a step; returns the inputs that result from connecting.
    async fn perform(&mut self, outputs: &Outputs, to: &impl ToSocketAddrs) -> Vec<Input> {
        let mut inputs = Vec::new();
        let mut out = Vec::new();
        for output in outputs {
            match output {
                Output::Connect(_) => inputs = vec![self.dial(to).await],
                Output::Send(Command::Hello) => {
                    out.extend(self.reading.words.introduce(&self.terms.name));
                }
                // This client has no secrets: the caller sends them on the connection that it takes
                // over.
                Output::Send(command) if command.is_allowed_in_clear() => {
                    out.extend(self.reading.words.say(*command, &Canaries::new(0)));
                }
                Output::StartTls => self.write(&std::mem::take(&mut out)).await,
                Output::Close => {
                    self.write(&std::mem::take(&mut out)).await;
                    if let Some(mut stream) = self.stream.take() {
                        let _ = stream.shutdown().await;
                    }
                }
                _ => {}
            }
        }
        self.write(&out).await;
        inputs
    }

    async fn dial(&mut self, to: &impl ToSocketAddrs) -> Input {
        self.reading.begin(self.terms.codec.client_of_any_server());
        let connecting = tokio::time::timeout_at(self.until, TcpStream::connect(to));
        let error = match connecting.await {
            Ok(Ok(stream)) => {
                let _ = stream.set_nodelay(true);
                self.stream = Some(stream);
                self.failure = None;
                return Input::Connected;
            }
            Ok(Err(error)) => Refusal::Connect(error),
            Err(_) => Refusal::TimedOut,
        };
        self.failure = Some(error);
        Input::Closed(Close::Cut)
    }

    /// Writes; that the peer has gone will be read.
    async fn write(&mut self, bytes: &[u8]) {
        if let (Some(stream), false) = (&mut self.stream, bytes.is_empty()) {
            let _ = tokio::time::timeout_at(self.until, stream.write_all(bytes)).await;
        }
    }

    async fn next(&mut self, state: &State) -> Event {
        if self.terms.client.view(state) == View::Handshaking {
            return self.handshake().await;
        }
        let mut buffer = vec![0; 16 * 1024];
        let read = match &mut self.stream {
            Some(stream) => stream.read(&mut buffer).await,
            None => Ok(0),
        };
        let length = match read {
            Ok(0) => return Event::Inputs(vec![Input::Closed(Close::Orderly)]),
            Err(_) => return Event::Inputs(vec![Input::Closed(Close::Cut)]),
            Ok(length) => length,
        };
        let cut = self.reading.cut(&buffer[..length]);
        if self.reading.held() > LONGEST {
            self.failure = Some(Refusal::TooLong);
            return Event::Inputs(vec![Input::Deadline]);
        }
        let segments = cut.pieces.chunks(CAPACITY).map(Segment::new);
        Event::Inputs(segments.map(Input::Segment).collect())
    }

    async fn handshake(&mut self) -> Event {
        let Some(stream) = self.stream.take() else {
            return Event::Inputs(vec![Input::HandshakeFailed]);
        };
        let connector = TlsConnector::from(Arc::clone(&self.terms.config));
        match connector.connect(self.terms.server.clone(), stream).into_fallible().await {
            Ok(stream) => Event::Secured(Box::new(stream)),
            Err((error, stream)) => {
                self.stream = Some(stream);
                self.failure = Some(Refusal::Handshake(error));
                Event::Inputs(vec![Input::HandshakeFailed])
            }
        }
    }
}

/// Whether a step is the first of the session: a login, or what there is to deliver.
fn begins_session(outputs: &Outputs) -> bool {
    outputs.iter().any(|output| match output {
        Output::Send(command) => !command.is_allowed_in_clear(),
        _ => false,
    })
}
