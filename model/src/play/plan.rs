//! The plan of a vector's persona.

use crate::client::Peer;
use crate::message::{Piece, Reply};
use crate::vector::{Certificate, Do, PeerRecord, Point, SegmentOf};

/// The attacker's plan, in the model's terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The certificate that is presented.
    pub certificate: Peer,
    /// The deviations, in order.
    pub deviations: Vec<Planned>,
}

/// One deviation, in the model's terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The session, counted from 1.
    pub session: u8,
    /// The connection, counted from 1; every one if `None`.
    pub connection: Option<u8>,
    /// The point.
    pub at: Point,
    /// The action.
    pub action: Do,
    /// The message, in pieces.
    pub pieces: Vec<Piece<Reply>>,
    /// Whether it is sent in a write of its own.
    pub segment: SegmentOf,
}

impl Plan {
    /// Whether the true server's list inside TLS names its logins. A server that sends [`Reply::Bare`]
    /// there names none, and is equally honest.
    pub fn lists_logins(&self) -> bool {
        let bare =
            |planned: &Planned| planned.pieces.iter().any(|piece| piece.message() == Reply::Bare);
        !self.deviations.iter().any(bare)
    }
}

impl From<&PeerRecord> for Plan {
    fn from(peer: &PeerRecord) -> Self {
        Self {
            certificate: peer.certificate.into(),
            deviations: peer
                .deviations
                .iter()
                .map(|deviation| Planned {
                    session: deviation.session,
                    connection: deviation.connection,
                    at: deviation.at,
                    action: deviation.action,
                    pieces: deviation.meaning.iter().map(|meaning| meaning.0).collect(),
                    segment: deviation.segment.unwrap_or(SegmentOf::Same),
                })
                .collect(),
        }
    }
}

impl From<Certificate> for Peer {
    fn from(certificate: Certificate) -> Self {
        match certificate {
            Certificate::Genuine => Self::Genuine,
            Certificate::Untrusted => Self::Untrusted,
            Certificate::WrongName => Self::WrongName,
            Certificate::Expired => Self::Expired,
            Certificate::OtherHost => Self::OtherHost,
        }
    }
}
