//! A scene, which is played to a client: the deviations of a vector, or an honest server.

use std::time::Duration;

use upward_model::policy::Policy;
use upward_model::protocol::Protocol;
use upward_model::vector::{Certificate, Deviation, PeerRecord, Vector};

/// A scene: a vector, or an honest peer.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The protocol.
    pub protocol: &'static Protocol,
    /// The policies of the user's sessions.
    pub sessions: Vec<Policy>,
    /// The peer.
    pub peer: PeerRecord,
    /// How long the persona waits for a client that has nothing to answer; `None` for the time learned
    /// about the client.
    pub patience: Option<Duration>,
}

impl Scene {
    /// The scene of a vector.
    pub fn of(protocol: &'static Protocol, vector: &Vector) -> Self {
        let sessions = vector.first_session.into_iter().chain([vector.policy]).collect();
        Self { protocol, sessions, peer: vector.peer.clone(), patience: None }
    }

    /// The scene of an honest peer.
    pub fn honest(protocol: &'static Protocol, policy: Policy) -> Self {
        let peer = PeerRecord {
            persona: protocol.name.to_owned(),
            certificate: Certificate::Genuine,
            deviations: Vec::new(),
        };
        Self { protocol, sessions: vec![policy], peer, patience: None }
    }

    /// Its twin: the same without the attack in clear. `None` if there is no attack in clear, or the
    /// user has several sessions.
    pub fn twin(&self) -> Option<Self> {
        let (inside, clear): (Vec<Deviation>, Vec<Deviation>) =
            self.peer.deviations.iter().cloned().partition(|deviation| deviation.at.is_inside());
        let has_twin = !clear.is_empty() && self.sessions.len() == 1;
        has_twin.then(|| Self {
            peer: PeerRecord { deviations: inside, ..self.peer.clone() },
            ..self.clone()
        })
    }

    /// The policy under test.
    pub fn policy(&self) -> Policy {
        self.sessions.last().copied().unwrap_or(Policy::Required)
    }
}
