//! All candidates: the deviations that an attacker can make.

mod build;
mod several;

pub(super) use self::build::{Build, saying, words};
use crate::message::Reply;
use crate::play::Plan;
use crate::policy::Policy;
use crate::protocol::Protocol;
use crate::vector::{Certificate, Deviation, Need, PeerRecord, Point};

/// A vector before it is evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) slug: String,
    pub(super) class: &'static str,
    pub(super) summary: String,
    pub(super) policy: Policy,
    /// The policy of an earlier session, which is not judged.
    pub(super) first_session: Option<Policy>,
    pub(super) certificate: Certificate,
    pub(super) deviations: Vec<Deviation>,
    pub(super) reached: Point,
    pub(super) requirements: Vec<&'static str>,
    /// Whether it was found by search, because the plain ones left something uncovered.
    pub(super) searched: bool,
    /// Whether real clients distinguish its wording from others with the same meaning.
    pub(super) apart: bool,
}

impl Candidate {
    /// Its peer.
    pub(super) fn peer(&self, protocol: &Protocol) -> PeerRecord {
        peer(protocol, self.certificate, self.deviations.clone())
    }

    /// Its plan for the model.
    pub(super) fn plan(&self, protocol: &Protocol) -> Plan {
        Plan::from(&self.peer(protocol))
    }

    /// Its texts that replace the usual ones.
    pub(super) fn texts(&self) -> impl Fn(Reply) -> Option<String> {
        let texts: Vec<(Reply, String)> = self
            .deviations
            .iter()
            .filter_map(|deviation| {
                let reply = deviation.meaning.first()?.0.message();
                Some((reply, deviation.text.clone()?))
            })
            .collect();
        move |reply| texts.iter().find(|(other, _)| *other == reply).map(|(_, text)| text.clone())
    }

    /// The policies of the user's sessions.
    pub(super) fn sessions(&self) -> Vec<Policy> {
        self.first_session.into_iter().chain([self.policy]).collect()
    }

    /// The abilities that a runner must have.
    pub(super) fn needs(&self) -> Vec<Need> {
        self.first_session.map(|_| Need::TwoSessions).into_iter().collect()
    }
}

/// A protocol's persona with a certificate and deviations.
pub(super) fn peer(
    protocol: &Protocol,
    certificate: Certificate,
    deviations: Vec<Deviation>,
) -> PeerRecord {
    PeerRecord { persona: protocol.name.to_owned(), certificate, deviations }
}

/// All candidates of a protocol, the simplest first.
pub(super) fn candidates(protocol: &Protocol) -> Vec<Candidate> {
    let mut all = Vec::new();
    for policy in Policy::ALL {
        if policy == Policy::Implicit && !protocol.has_implicit() {
            continue;
        }
        let mut build = Build { protocol, policy, all: &mut all };
        if policy != Policy::Implicit {
            build.replaced();
            build.silent_and_cut(&[Point::Opening, Point::Capabilities, Point::Upgrade]);
            build.behind();
            build.left_open();
            build.lured();
            build.before();
        }
        build.handshakes();
        build.certificates();
        build.silent_and_cut(&[Point::Inside, Point::Login, Point::Delivery]);
        build.taken_away();
        build.sessions();
    }
    all
}
