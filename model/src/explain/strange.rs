//! The first step of a run that no sound client takes.

use super::follow::{follows, shows_client};
use super::straighten::{Question, straightened};
use super::{Event, Habits, Run, negotiator};
use crate::flaw::Flaws;
use crate::message::Layer;
use crate::policy::Policy;
use crate::protocol::Protocol;
use crate::variant::Variant;

/// The first step of the client that no sound client takes, in words; `None` where one explains the whole
/// run.
pub fn first_strange(
    protocol: &'static Protocol,
    sessions: &[Policy],
    habits: Habits,
    run: &Run,
) -> Option<String> {
    let run = straightened(run, sessions.len(), Question::Last);
    let mut farthest = 0;
    for variant in Variant::all().into_iter().filter(|variant| habits.fit(variant)) {
        let reach = follows(&negotiator(protocol, sessions, variant, Flaws::NONE), &run);
        if reach.complete {
            return None;
        }
        farthest = farthest.max(reach.seen);
    }
    let mut steps = run.iter().enumerate().flat_map(|(connection, events)| {
        events.iter().filter(|event| shows_client(event)).map(move |event| (connection, event))
    });
    let (connection, event) = steps.nth(farthest)?;
    let step = match event {
        Event::Heard(command, Layer::Clear) => format!("{} in clear", command.word()),
        Event::Heard(command, Layer::Tls) => format!("{} inside TLS", command.word()),
        Event::ClientHello => "a ClientHello".to_owned(),
        _ => "success".to_owned(),
    };
    Some(if connection == 0 { step } else { format!("{step}, on connection {}", connection + 1) })
}
