//! What a client asks a server for, where it has no data of its own to deliver.
//!
//! The confidential data of a mailbox go the other way: the client says that it wants them, and the
//! server sends them. What is looked for is the request, and the canary in the answer.

use upward_model::explain::{Event, Run};
use upward_model::message::{Command, Layer};
use upward_model::vector::Point;

use super::{Exposed, Stage};
use super::{Lifted, Message};
use crate::canary::{Kind, Sighting};

/// Whether a client came to ask for what the server holds, answered or not.
pub(super) fn asks(run: &Run, lifted: &Lifted) -> bool {
    let answered =
        |event: &Event| matches!(event, Event::Said { answers: Some(Command::Deliver), .. });
    lifted.reached().contains(&Point::Delivery) || run.iter().flatten().any(answered)
}

/// Whether it asked where it may: anywhere, or inside TLS with a genuine peer only.
pub(super) fn asks_in(run: &Run, genuine: bool, authenticated_only: bool) -> bool {
    run.iter().flatten().any(|event| match event {
        Event::Heard(Command::Deliver, layer) => {
            !authenticated_only || (*layer == Layer::Tls && genuine)
        }
        _ => false,
    })
}

/// Data that a server sent in clear because it was asked for them: the request is the leak. `sent`
/// is what was found in the server's clear text; the first `own` of it belong to earlier sessions,
/// which may do without TLS and ask for the data once each.
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
