//! From bytes and lifted events to what a judge is given.

use std::sync::Arc;

use upward_model::client::Peer;

use crate::canary::{Canaries, Kind, Search, Sighting};
use crate::judge::{Evidence, Exposed, Stage, Words};
use crate::persona::{Confirmed, Lifted, Sight};
use crate::trial::Scene;
use crate::wire::{Form, Record, Side};

/// A text that stands in every notice that an attacker gives, and nowhere else: printed by a
/// client, it shows that clear text reached its user.
pub const MARKER: &str = "555-0100";

/// How a client ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct End {
    /// In words.
    pub words: Option<String>,
    /// Whether it ended as after success; `None` where that cannot be told.
    pub claims_success: Option<bool>,
    /// Whether it crashed.
    pub crashed: bool,
    /// Whether it was alive after the peer had closed and the deadline had passed.
    pub hung: bool,
    /// Whether it had data to deliver, or only a login to do.
    pub carries_body: bool,
    /// What it printed.
    pub output: Vec<u8>,
}

/// Puts together what a judge is given. The canaries are those of the user's sessions, in order;
/// those of sessions that may do without TLS are not looked for.
pub fn evidence(
    scene: &Scene,
    record: &Record,
    lifted: &Lifted,
    canaries: &[Arc<Canaries>],
    end: &End,
) -> Evidence {
    let run = lifted.run();
    let sights = lifted.sights();
    let challenges = lifted.challenges();
    let guarded: Vec<&Arc<Canaries>> = canaries
        .iter()
        .zip(&scene.sessions)
        .enumerate()
        .filter(|(index, (_, policy))| policy.needs_tls() || index + 1 == scene.sessions.len())
        .map(|(_, (canaries, _))| canaries)
        .collect();
    let searches: Vec<Search> =
        guarded.iter().map(|canaries| canaries.searching(&challenges)).collect();
    let search = |bytes: &[u8]| -> Vec<Sighting> {
        searches.iter().flat_map(|search| search.find(bytes)).collect()
    };
    let own = canaries.last().map(|canaries| canaries.searching(&challenges));
    let carried = if end.carries_body { Kind::Body } else { Kind::Password };
    let carries = |bytes: &[u8]| {
        own.as_ref()
            .is_some_and(|search| search.find(bytes).iter().any(|found| found.kind == carried))
    };
    let genuine = Peer::from(scene.peer.certificate) == Peer::Genuine;
    let mut exposed = Vec::new();
    let mut arrived = false;
    for connection in 0..run.len() {
        let clear = record.stream(connection, Side::Client, Form::Clear);
        let inside = record.stream(connection, Side::Client, Form::Inside);
        let mut expose = |bytes: &[u8], unauthenticated: bool| {
            for sighting in search(bytes) {
                let stage = if unauthenticated {
                    Stage::Unauthenticated
                } else {
                    stage_at(&sights, connection, sighting.range.start)
                };
                exposed.push(Exposed {
                    connection,
                    stage,
                    secret: sighting.kind.is_secret(),
                    canary: sighting.kind.name().to_owned(),
                    form: sighting.form.name().to_owned(),
                    range: sighting.range,
                });
            }
        };
        expose(&clear, false);
        if genuine {
            arrived |= carries(&inside);
        } else {
            expose(&inside, true);
        }
    }
    // What an earlier session said in clear is that session's affair.
    let first_connection =
        scene.sessions.iter().position(|policy| policy.needs_tls()).unwrap_or_default();
    let words = sights
        .into_iter()
        .filter(|sight| sight.connection >= first_connection)
        .filter_map(|sight| {
            Some(Words {
                connection: sight.connection,
                stage: sight.stage?,
                command: sight.command,
                allowed: sight.allowed,
                range: sight.range,
            })
        })
        .collect();
    let authenticated_only = scene.policy().needs_tls();
    if !authenticated_only {
        // A policy that may do without TLS is served wherever the data arrived.
        arrived |= (0..run.len()).any(|connection| {
            [Form::Clear, Form::Inside]
                .into_iter()
                .any(|form| carries(&record.stream(connection, Side::Client, form)))
        });
    }
    let confirmations: Vec<Confirmed> = lifted
        .confirmed()
        .into_iter()
        .filter(|confirmed| confirmed.delivery == end.carries_body)
        .collect();
    let delivered = arrived && confirmations.iter().any(|c| c.authenticated || !authenticated_only);
    let marker = MARKER.as_bytes();
    Evidence {
        run,
        reached: lifted.reached(),
        first_connection,
        words,
        exposed,
        delivered,
        confirmed: !confirmations.is_empty(),
        arrived,
        exit: end.words.clone(),
        claims_success: end.claims_success,
        redirected: lifted.redirected(),
        crashed: end.crashed,
        hung: end.hung,
        cut: record.dropped().is_something(),
        shows_clear_text: end.output.windows(marker.len()).any(|window| window == marker),
    }
}

/// At which stage the bytes at an offset of the clear stream were sent.
fn stage_at(sights: &[Sight], connection: usize, offset: usize) -> Stage {
    sights
        .iter()
        .filter(|sight| sight.connection == connection && sight.range.contains(&offset))
        .find_map(|sight| sight.stage.filter(|stage| *stage != Stage::Unauthenticated))
        .unwrap_or(Stage::Before)
}
