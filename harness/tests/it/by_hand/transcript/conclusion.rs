//! What a whole transcript shows, once its lines are read.

use std::collections::BTreeSet;

use upward::canary::{Kind, Sighting};
use upward::evidence::{Evidence, Exposed, Inside, Stage};
use upward_model::client::Peer;
use upward_model::explain::Event;
use upward_model::message::{Command, Layer};

use super::{Connection, Reader};

impl Reader<'_> {
    /// What the whole transcript shows: where secrets stood, what arrived, what was said inside TLS.
    pub(super) fn conclude(mut self) -> Evidence {
        let mut evidence = std::mem::take(&mut self.evidence);
        let first = self.sessions.iter().position(|policy| policy.needs_tls()).unwrap_or(0);
        evidence.first_connection = first;
        let needs_tls = self.sessions.last().is_none_or(|policy| policy.needs_tls());
        let mut carriers: BTreeSet<Kind> = BTreeSet::new();
        for (number, connection) in self.connections.iter().enumerate() {
            let peer = connection.events.iter().find_map(|event| match event {
                Event::Handshake(peer) => Some(*peer),
                _ => None,
            });
            for found in self.canaries.search(&connection.clear, &self.challenges) {
                let stage = evidence
                    .clear_messages
                    .iter()
                    .find(|words| {
                        words.connection == number
                            && words.stage != Stage::Unauthenticated
                            && words.range.contains(&found.range.start)
                    })
                    .map_or(Stage::Before, |words| words.stage);
                if !needs_tls {
                    carriers.insert(found.kind);
                }
                evidence.exposed.push(exposed(number, stage, &found));
            }
            // Data that the server sent in clear since it was asked for them.
            let asked = evidence.clear_messages.iter().rfind(|words| {
                words.connection == number && words.command == Some(Command::Deliver)
            });
            let sent = self.canaries.search(&connection.served, &[]);
            if let (Some(asked), Some(found)) = (asked, sent.iter().find(|s| s.kind == Kind::Body))
            {
                let found = Sighting { range: asked.range.clone(), ..found.clone() };
                evidence.exposed.push(exposed(number, asked.stage, &found));
            }
            if self.fetches
                && connection.events.iter().any(|event| {
                    let inside = Event::Heard(Command::Deliver, Layer::Tls);
                    *event == inside && peer == Some(Peer::Genuine)
                        || !needs_tls && matches!(event, Event::Heard(Command::Deliver, _))
                })
            {
                carriers.insert(self.carried);
            }
            for found in self.canaries.search(&connection.inside, &self.challenges) {
                if peer == Some(Peer::Genuine) || !needs_tls {
                    carriers.insert(found.kind);
                }
                if peer != Some(Peer::Genuine) {
                    evidence.exposed.push(exposed(number, Stage::Unauthenticated, &found));
                }
            }
        }
        if self.protocol.name == "manual" {
            assert!(self.challenges.is_empty());
        }
        evidence.clear_messages.retain(|words| words.connection >= first);
        evidence.arrived = carriers.contains(&self.carried);
        evidence.delivered &= evidence.arrived;
        let said = |connection: &Connection| connection.said.clone();
        let spoke = |connection: &Connection| !connection.inside.is_empty();
        evidence.inside = Inside {
            accepts_certificate: self.connections.iter().any(spoke),
            dialogues: self.connections.iter().map(said).filter(|d| !d.steps.is_empty()).collect(),
            claims_success: evidence.claims_success,
        };
        evidence.run = self.connections.into_iter().map(|connection| connection.events).collect();
        evidence
    }
}

fn exposed(connection: usize, stage: Stage, found: &Sighting) -> Exposed {
    Exposed {
        connection,
        stage,
        secret: found.kind.is_secret(),
        canary: found.kind.name().to_owned(),
        form: found.form.name().to_owned(),
        range: found.range.clone(),
    }
}
