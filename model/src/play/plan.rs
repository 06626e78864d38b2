//! What the persona of a vector is to do.

use crate::client::Peer;
use crate::message::{Piece, Reply};
use crate::vector::{Certificate, Do, PeerRecord, Point, SegmentOf};

/// What the attacker is going to do, in the model's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The certificate that is shown.
    pub certificate: Peer,
    /// The deviations, in order.
    pub deviations: Vec<Planned>,
}

/// One deviation, in the model's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The session, counted from 1.
    pub session: u8,
    /// The connection, counted from 1; every one if `None`.
    pub connection: Option<u8>,
    /// Where.
    pub at: Point,
    /// What.
    pub action: Do,
    /// What is said.
    pub pieces: Vec<Piece<Reply>>,
    /// Whether it is said in a write of its own.
    pub segment: SegmentOf,
}

impl Plan {
    /// Whether the true server's list inside TLS names its logins: one that says [`Reply::Bare`] there
    /// names none, and is as honest.
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
