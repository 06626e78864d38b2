//! Builds the judge's evidence from recorded bytes and lifted events.

use std::sync::Arc;

use upward_model::client::Peer;
use upward_model::policy::Policy;

use super::exposure::Finder;
use super::inside::Answers;
use super::{ClearMessage, Confirmed, Evidence, Lifted, Message, Stage, fetched, inside};
use crate::canary::Canaries;
use crate::codec::Codec;
use crate::scene::Scene;
use crate::wire::{Form, Record, Side};

/// Texts that occur only in an attacker's message to the user. If a client prints one, clear text has
/// reached its user. The second is for places that allow only a number.
const MARKERS: [&str; 2] = ["555-0100", "5550100"];

/// Whether a client's output contains an attacker's clear text.
pub fn shows_clear_text(output: &[u8]) -> bool {
    MARKERS.iter().any(|marker| output.windows(marker.len()).any(|it| it == marker.as_bytes()))
}

/// How a client ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct End {
    /// Whether its end looks like success; `None` if that cannot be told.
    pub claims_success: Option<bool>,
    /// Whether it crashed.
    pub crashed: bool,
    /// Whether it was alive after the peer had closed and the deadline had passed.
    pub hung: bool,
    /// Whether it had data to deliver. If not, it has to log in, and may fetch the server's data.
    pub carries_body: bool,
    /// The output shown to its user.
    pub output: Vec<u8>,
    /// Its standard error.
    pub errors: Vec<u8>,
    /// The server's data, as the client passed them to the application.
    pub data: Vec<u8>,
    /// Whether it printed more than was recorded.
    pub printed_more: bool,
    /// The connection with which its last session began, counted from 0; `None` if unknown.
    pub last_session_at: Option<usize>,
}

/// Builds the evidence for the judge. `canaries` are those of the user's sessions, in order. The
/// canaries of sessions whose policy allows clear text are not searched for.
pub fn gather(
    scene: &Scene,
    codec: &dyn Codec,
    record: &Record,
    lifted: &Lifted,
    canaries: &[Arc<Canaries>],
    end: &End,
) -> Evidence {
    let run = lifted.run();
    let messages = lifted.messages();
    let fetches = !end.carries_body && fetched::asks(&run, lifted);
    let first_connection = first_connection(scene, end);
    let finder = Finder::new(scene, canaries, &lifted.challenges(), end.carries_body);
    let exposure = finder.exposure(scene, record, &messages, run.len(), first_connection);
    let authenticated_only = scene.policy().needs_tls();
    let genuine = Peer::from(scene.peer.certificate) == Peer::Genuine;
    // A client that fetches data has done its part once it has sent the request.
    let asked = fetches && fetched::asks_in(&run, genuine, authenticated_only);
    let arrived = asked || exposure.arrived;
    let confirmations: Vec<Confirmed> = lifted
        .confirmed()
        .into_iter()
        .filter(|confirmed| confirmed.delivery == (end.carries_body || fetches))
        .collect();
    let delivered = arrived && confirmations.iter().any(|c| c.authenticated || !authenticated_only);
    Evidence {
        reached: lifted.reached(),
        first_connection,
        last_session_at: end.last_session_at.filter(|_| scene.sessions.len() > 1),
        clear_messages: clear_messages(scene, record, &messages, run.len(), first_connection),
        exposed: exposure.exposed,
        delivered,
        confirmed: !confirmations.is_empty(),
        arrived,
        recognised: exposure.recognised,
        claims_success: end.claims_success,
        redirected: lifted.redirected(),
        crashed: end.crashed,
        // A client that never connected did not hang because of the peer.
        hung: end.hung && !run.is_empty(),
        cut: record.dropped().is_something() || may_show(record, run.len(), end),
        flooded: record.dropped().cut_off > 0,
        inside: inside::inside(record, run.len(), &messages, codec, end.claims_success),
        twin: None,
        attacked_in_clear: scene.peer.deviations.iter().any(|it| !it.at.is_inside()),
        shows_clear_text: shows_clear_text(&end.output)
            // A client that gives up may quote the rejected line in its error.
            || end.claims_success != Some(false) && shows_clear_text(&end.errors),
        hands_over_data: shows_clear_text(&end.data),
        run,
    }
}

/// The first connection of the session under test. Clear text of earlier sessions is not judged.
fn first_connection(scene: &Scene, end: &End) -> usize {
    let strict = scene.sessions.iter().position(|policy| policy.needs_tls()).unwrap_or_default();
    let is_last = strict > 0 && strict + 1 == scene.sessions.len();
    end.last_session_at.filter(|_| is_last).unwrap_or(strict)
}

/// Whether output beyond the recording limit may contain the attacker's clear text.
fn may_show(record: &Record, connections: usize, end: &End) -> bool {
    let said = |connection| record.stream(connection, Side::Server, Form::Clear);
    end.printed_more && (0..connections).any(|connection| shows_clear_text(&said(connection)))
}

/// The messages that the session under test sent outside TLS with an authenticated server.
fn clear_messages(
    scene: &Scene,
    record: &Record,
    messages: &[Message],
    connections: usize,
    first_connection: usize,
) -> Vec<ClearMessage> {
    let answers: Vec<Answers> =
        (0..connections).map(|connection| Answers::of(record, connection, Form::Clear)).collect();
    let ahead = |at: usize| {
        let (before, message) = (messages.get(at.checked_sub(1)?)?, &messages[at]);
        let alike = before.connection == message.connection && before.stage.is_some();
        let clear = alike && before.stage != Some(Stage::Unauthenticated);
        Some(clear && answers.get(message.connection)?.none(before, message))
    };
    let of_session = messages.iter().enumerate();
    of_session
        .filter(|(_, message)| message.connection >= first_connection)
        .filter_map(|(at, message)| {
            Some(ClearMessage {
                connection: message.connection,
                stage: message.stage?,
                command: message.command,
                // With implicit TLS, nothing may be sent before TLS.
                allowed: message.allowed && scene.policy() != Policy::Implicit,
                ahead: ahead(at).unwrap_or_default(),
                range: message.range.clone(),
            })
        })
        .collect()
}
