//! Why there is no TLS, for those who asked for it.

use std::io;

use upward_model::client::{Client as _, End, Input, Negotiator, Output, Phase, State};
use upward_model::message::Reply;

/// Why a client gave up. Each may be the fault of the server, or the work of whoever is on the
/// network: nobody can tell. The server's words are not quoted, since they are not to be trusted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Nobody could be reached.
    #[error("failed to connect: {0}")]
    Connect(io::Error),
    /// The server does not offer the upgrade.
    #[error("the server does not offer TLS")]
    NotOffered,
    /// The server does not say what it can do.
    #[error("the server refused to say whether it offers TLS")]
    CapabilitiesRefused,
    /// The server refused the upgrade.
    #[error("the server refused to start TLS")]
    Refused,
    /// The server claims that the client is logged in already, where no upgrade is possible any more
    /// (RFC 9051 section 7.1.4).
    #[error("the server claims that the client is logged in before TLS")]
    AlreadyLoggedIn,
    /// The server ended the session, or refused to begin it.
    #[error("the server ended the session before TLS")]
    Dismissed,
    /// A reply that is none: not of the protocol, or not an answer to what was asked.
    #[error("the server's reply could not be understood")]
    Garbled,
    /// A message without an end.
    #[error("the server's reply is too long")]
    TooLong,
    /// More came in clear behind the reply that starts TLS: somebody tried to have it taken for a
    /// reply inside TLS.
    #[error("clear text was injected behind the reply that starts TLS")]
    Injected,
    /// The handshake failed; a certificate that is not good for the server's name is a reason. Where
    /// it is, the text may tell the names in it.
    #[error("the TLS handshake failed: {0}")]
    Handshake(io::Error),
    /// The connection came to its end.
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
            // It gives up on what it waits for only where there is more behind it.
            (Phase::Answer, Reply::Accept) => Self::Injected,
            _ => Self::Garbled,
        }
    }
}
