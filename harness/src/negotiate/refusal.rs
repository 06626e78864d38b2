//! The reasons why there is no TLS, for the caller.

use std::io;

use upward_model::client::{Client as _, End, Input, Negotiator, Output, Phase, State};
use upward_model::message::Reply;

/// Why a client gave up. Either the server or an attacker on the network may have caused it; the client
/// cannot tell which. The server's words are not quoted, since they are not trusted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The connection could not be established.
    #[error("failed to connect: {0}")]
    Connect(io::Error),
    /// The server does not offer the upgrade.
    #[error("the server does not offer TLS")]
    NotOffered,
    /// The server does not list its capabilities.
    #[error("the server refused to say whether it offers TLS")]
    CapabilitiesRefused,
    /// The server refused the upgrade.
    #[error("the server refused to start TLS")]
    Refused,
    /// The server claims that the client is already logged in; then no upgrade is possible any more
    /// (RFC 9051 section 7.1.4).
    #[error("the server claims that the client is logged in before TLS")]
    AlreadyLoggedIn,
    /// The server ended the session, or refused to start it.
    #[error("the server ended the session before TLS")]
    Dismissed,
    /// A reply that is not of the protocol, or does not answer the request.
    #[error("the server's reply could not be understood")]
    Garbled,
    /// A message without an end.
    #[error("the server's reply is too long")]
    TooLong,
    /// More clear text followed the reply that starts TLS: an attacker tried to have it accepted as a
    /// reply inside TLS.
    #[error("clear text was injected behind the reply that starts TLS")]
    Injected,
    /// The handshake failed, for example because the certificate is not valid for the server's name.
    /// Then the text may contain the names in the certificate.
    #[error("the TLS handshake failed: {0}")]
    Handshake(io::Error),
    /// The connection was closed.
    #[error("the connection was closed before TLS")]
    Closed,
    /// It took too long.
    #[error("the server did not answer in time")]
    TimedOut,
}

impl Refusal {
    /// Why a client gave up on an input in this state.
    pub(super) fn why(client: &Negotiator, from: &State, input: &Input) -> Self {
        let segment = match input {
            Input::Segment(segment) => segment,
            Input::Deadline => return Self::TimedOut,
            _ => return Self::Closed,
        };
        let mut state = from.clone();
        let last = segment.pieces().len().saturating_sub(1);
        for (index, &piece) in segment.pieces().iter().enumerate() {
            let phase = state.phase;
            let Some(step) = client.read(&state, piece, index < last) else { break };
            if step.outputs.contains(&Output::End(End::Refused)) {
                return Self::to(phase, piece.message());
            }
            state = step.state;
        }
        Self::Garbled
    }

    /// Why a client gives up on a reply.
    const fn to(phase: Phase, reply: Reply) -> Self {
        match (phase, reply) {
            (_, Reply::Bye) | (Phase::Opening, Reply::Refuse) => Self::Dismissed,
            (_, Reply::Welcome) => Self::AlreadyLoggedIn,
            (Phase::Opening | Phase::Offer, Reply::Capabilities { upgrade: false, .. }) => {
                Self::NotOffered
            }
            (Phase::Offer, Reply::Refuse) => Self::CapabilitiesRefused,
            (Phase::Answer, Reply::Refuse) => Self::Refused,
            // The client gives up on the reply that it waits for only if more text follows it.
            (Phase::Answer, Reply::Accept) => Self::Injected,
            _ => Self::Garbled,
        }
    }
}
