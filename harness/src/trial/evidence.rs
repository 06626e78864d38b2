//! From bytes and lifted events to what a judge is given.

use std::sync::Arc;

use upward_model::client::Peer;
use upward_model::policy::Policy;

use crate::canary::{Canaries, Kind, Search, Sighting};
use crate::catalogue;
use crate::judge::{Evidence, Exposed, Inside, Stage, Words};
use crate::persona::{Confirmed, Lifted, Sight};
use crate::trial::inside::Answers;
use crate::trial::{Scene, fetched, inside};
use crate::wire::{Form, Record, Side};

/// Texts of which one stands in what an attacker says to the user, and nowhere else: printed by a
/// client, it shows that clear text reached its user. The second is for places where only a number
/// can stand.
const MARKERS: [&str; 2] = ["555-0100", "5550100"];

/// Whether a client's output shows what an attacker said in clear.
pub fn shows_clear_text(output: &[u8]) -> bool {
    MARKERS.iter().any(|marker| output.windows(marker.len()).any(|it| it == marker.as_bytes()))
}

/// How a client ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct End {
    /// Whether it ended as after success; `None` where that cannot be told.
    pub claims_success: Option<bool>,
    /// Whether it crashed.
    pub crashed: bool,
    /// Whether it was alive after the peer had closed and the deadline had passed.
    pub hung: bool,
    /// Whether it had data to deliver; else it has a login to do, and may fetch what the server
    /// holds.
    pub carries_body: bool,
    /// What it showed its user.
    pub output: Vec<u8>,
    /// What it wrote to its standard error.
    pub errors: Vec<u8>,
    /// What it handed to the application as the server's data.
    pub data: Vec<u8>,
    /// Whether it printed more than was kept.
    pub printed_more: bool,
    /// The connection with which its last session began, counted from 0, where that is known.
    pub last_session_at: Option<usize>,
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
    // The last session's are always looked for.
    let own = searches.last();
    let carried = if end.carries_body { Kind::Body } else { Kind::Password };
    let carries = |bytes: &[u8]| {
        own.is_some_and(|search| search.find(bytes).iter().any(|found| found.kind == carried))
    };
    let genuine = Peer::from(scene.peer.certificate) == Peer::Genuine;
    let authenticated_only = scene.policy().needs_tls();
    // What an earlier session said in clear is that session's affair.
    let strict = scene.sessions.iter().position(|policy| policy.needs_tls()).unwrap_or_default();
    let is_last = strict > 0 && strict + 1 == scene.sessions.len();
    let first_connection = end.last_session_at.filter(|_| is_last).unwrap_or(strict);
    let fetches = !end.carries_body && fetched::asks(&run, lifted);
    let mut exposed = Vec::new();
    let mut recognised = false;
    // Who fetches has said all that it has to say once it has asked.
    let mut arrived = fetches && fetched::asks_in(&run, genuine, authenticated_only);
    for connection in 0..run.len() {
        let clear = record.stream(connection, Side::Client, Form::Clear);
        let inside = record.stream(connection, Side::Client, Form::Inside);
        let (in_clear, in_tls) = (search(&clear), search(&inside));
        recognised |= in_clear.iter().chain(&in_tls).any(|sighting| sighting.kind.is_secret());
        let mut expose = |sightings: Vec<Sighting>, unauthenticated: bool| {
            for sighting in sightings {
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
        expose(in_clear, false);
        if genuine {
            arrived |= carries(&inside);
        } else {
            expose(in_tls, true);
        }
        let sent = search(&record.stream(connection, Side::Server, Form::Clear));
        let own = if connection < first_connection { first_connection } else { 0 };
        exposed.extend(fetched::in_clear(&sent, own, &sights, connection));
    }
    let inside = catalogue::by_name(scene.protocol.name).map_or_else(Inside::default, |entry| {
        inside::inside(record, run.len(), &sights, &*entry.codec(), end.claims_success)
    });
    let answers: Vec<Answers> =
        (0..run.len()).map(|connection| Answers::of(record, connection, Form::Clear)).collect();
    let ahead = |at: usize| {
        let (before, sight) = (sights.get(at.checked_sub(1)?)?, &sights[at]);
        let alike = before.connection == sight.connection && before.stage.is_some();
        let clear = alike && before.stage != Some(Stage::Unauthenticated);
        Some(clear && answers.get(sight.connection)?.none(before, sight))
    };
    let words = (0..sights.len())
        .filter(|&at| sights[at].connection >= first_connection)
        .filter_map(|at| {
            let sight = &sights[at];
            Some(Words {
                connection: sight.connection,
                stage: sight.stage?,
                command: sight.command,
                // Where TLS comes first, nothing may be said before it.
                allowed: sight.allowed && scene.policy() != Policy::Implicit,
                ahead: ahead(at).unwrap_or_default(),
                range: sight.range.clone(),
            })
        })
        .collect();
    // What was printed beyond what is kept may be what the server said in clear.
    let may_show = end.printed_more
        && (0..run.len()).any(|connection| {
            shows_clear_text(&record.stream(connection, Side::Server, Form::Clear))
        });
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
        .filter(|confirmed| confirmed.delivery == (end.carries_body || fetches))
        .collect();
    let delivered = arrived && confirmations.iter().any(|c| c.authenticated || !authenticated_only);
    Evidence {
        run,
        reached: lifted.reached(),
        first_connection,
        last_session_at: end.last_session_at.filter(|_| scene.sessions.len() > 1),
        words,
        exposed,
        delivered,
        confirmed: !confirmations.is_empty(),
        arrived,
        recognised,
        claims_success: end.claims_success,
        redirected: lifted.redirected(),
        crashed: end.crashed,
        hung: end.hung,
        cut: record.dropped().is_something() || may_show,
        flooded: record.dropped().cut_off > 0,
        inside,
        twin: None,
        attacked_in_clear: scene.peer.deviations.iter().any(|it| !it.at.is_inside()),
        shows_clear_text: shows_clear_text(&end.output)
            // A client that gives up may quote in its error the line that it did not accept.
            || end.claims_success != Some(false) && shows_clear_text(&end.errors),
        hands_over_data: shows_clear_text(&end.data),
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
