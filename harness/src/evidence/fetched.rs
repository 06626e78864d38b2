//! The server's data that a client requests if it has no data of its own to deliver.
//!
//! The confidential data of a mailbox go from the server to the client. The evidence is the client's
//! request, and the canary in the server's answer.

use upward_model::explain::{Event, Run};
use upward_model::message::{Command, Layer};
use upward_model::vector::Point;

use super::{Exposed, Stage};
use super::{Lifted, Message};
use crate::canary::{Kind, Sighting};

/// Whether a client reached the request for the server's data, answered or not.
pub(super) fn asks(run: &Run, lifted: &Lifted) -> bool {
    let answered =
        |event: &Event| matches!(event, Event::Said { answers: Some(Command::Deliver), .. });
    lifted.reached().contains(&Point::Delivery) || run.iter().flatten().any(answered)
}

/// Whether it sent the request where its policy allows it: anywhere, or only inside TLS with a genuine
/// peer.
pub(super) fn asks_in(run: &Run, genuine: bool, authenticated_only: bool) -> bool {
    run.iter().flatten().any(|event| match event {
        Event::Heard(Command::Deliver, layer) => {
            !authenticated_only || (*layer == Layer::Tls && genuine)
        }
        _ => false,
    })
}

/// Data that a server sent in clear on the client's request: the request is the leak. `sent` are the
/// canaries in the server's clear text. The first `own` of them belong to earlier sessions, whose
/// policy allows clear text, and which request the data once each.
pub(super) fn in_clear(
    sent: &[Sighting],
    own: usize,
    messages: &[Message],
    connection: usize,
) -> Option<Exposed> {
    let found = sent.iter().filter(|sighting| sighting.kind == Kind::Body).nth(own)?;
    let asked = messages.iter().rev().find(|message| {
        message.connection == connection
            && message.command == Some(Command::Deliver)
            && !matches!(message.stage, None | Some(Stage::Unauthenticated))
    })?;
    Some(Exposed {
        connection,
        stage: asked.stage?,
        secret: true,
        canary: found.kind.name().to_owned(),
        form: "in what was sent for this".to_owned(),
        range: asked.range.clone(),
    })
}
