//! Finds canaries in the recorded bytes: where each was sent, and whether the data arrived.

use std::sync::Arc;

use upward_model::client::Peer;

use super::{Exposed, Message, Stage, fetched};
use crate::canary::{Canaries, Challenge, Kind, Search, Sighting};
use crate::scene::Scene;
use crate::wire::{Form, Record, Side};

/// Finds the canaries of a user's sessions.
pub(super) struct Finder {
    /// One for each session whose policy needs TLS, and one for the last session.
    searches: Vec<Search>,
    /// The canary that the client has to deliver: the body, or the password of a login.
    carried: Kind,
}

/// The canaries that were found.
#[derive(Default)]
pub(super) struct Exposure {
    /// The canaries outside TLS with an authenticated server.
    pub(super) exposed: Vec<Exposed>,
    /// Whether a secret was found anywhere.
    pub(super) recognised: bool,
    /// Whether the canary that the client has to deliver was found where the policy allows it.
    pub(super) arrived: bool,
}

impl Finder {
    pub(super) fn new(
        scene: &Scene,
        canaries: &[Arc<Canaries>],
        challenges: &[Challenge],
        carries_body: bool,
    ) -> Self {
        let sessions = scene.sessions.len();
        let searches = canaries
            .iter()
            .zip(&scene.sessions)
            .enumerate()
            .filter(|(index, (_, policy))| policy.needs_tls() || index + 1 == sessions)
            .map(|(_, (canaries, _))| canaries.searching(challenges))
            .collect();
        Self { searches, carried: if carries_body { Kind::Body } else { Kind::Password } }
    }

    fn find(&self, bytes: &[u8]) -> Vec<Sighting> {
        self.searches.iter().flat_map(|search| search.find(bytes)).collect()
    }

    /// Whether bytes contain the canary that the last session has to deliver.
    fn carries(&self, bytes: &[u8]) -> bool {
        let own = self.searches.last();
        own.is_some_and(|search| search.find(bytes).iter().any(|found| found.kind == self.carried))
    }

    /// Searches all bytes of the client, and data that a server sent in clear on the client's request.
    pub(super) fn exposure(
        &self,
        scene: &Scene,
        record: &Record,
        messages: &[Message],
        connections: usize,
        first_connection: usize,
    ) -> Exposure {
        let genuine = Peer::from(scene.peer.certificate) == Peer::Genuine;
        let mut exposure = Exposure::default();
        for connection in 0..connections {
            let clear = record.stream(connection, Side::Client, Form::Clear);
            let inside = record.stream(connection, Side::Client, Form::Inside);
            let (in_clear, in_tls) = (self.find(&clear), self.find(&inside));
            let mut found = in_clear.iter().chain(&in_tls);
            exposure.recognised |= found.any(|sighting| sighting.kind.is_secret());
            exposure.exposed.extend(in_clear.into_iter().map(|sighting| {
                let stage = stage_at(messages, connection, sighting.range.start);
                exposed(connection, stage, sighting)
            }));
            if !genuine {
                let unauthenticated =
                    |sighting| exposed(connection, Stage::Unauthenticated, sighting);
                exposure.exposed.extend(in_tls.into_iter().map(unauthenticated));
            }
            let sent = self.find(&record.stream(connection, Side::Server, Form::Clear));
            let own = if connection < first_connection { first_connection } else { 0 };
            exposure.exposed.extend(fetched::in_clear(&sent, own, messages, connection));
            // A policy that allows clear text is satisfied wherever the data arrived.
            exposure.arrived |= if scene.policy().needs_tls() {
                genuine && self.carries(&inside)
            } else {
                self.carries(&clear) || self.carries(&inside)
            };
        }
        exposure
    }
}

fn exposed(connection: usize, stage: Stage, sighting: Sighting) -> Exposed {
    Exposed {
        connection,
        stage,
        secret: sighting.kind.is_secret(),
        canary: sighting.kind.name().to_owned(),
        form: sighting.form.name().to_owned(),
        range: sighting.range,
    }
}

/// The stage at which the bytes at an offset of the clear stream were sent.
fn stage_at(messages: &[Message], connection: usize, offset: usize) -> Stage {
    messages
        .iter()
        .filter(|message| message.connection == connection && message.range.contains(&offset))
        .find_map(|message| message.stage.filter(|stage| *stage != Stage::Unauthenticated))
        .unwrap_or(Stage::Before)
}
