//! Whether a run contains the event that defines a flaw.
//!
//! The model's flawed clients are suspects if they explain more steps than sound clients. A flaw is
//! named only if the run also shows the event that distinguishes it from all other flaws.

use upward_model::explain::Event;
use upward_model::flaw::Flaw;
use upward_model::message::{Command, Layer, Piece, Reply};
use upward_model::protocol::Protocol;
use upward_model::vector::Certificate;

use crate::evidence::{ClearMessage, Evidence};
use crate::judge::carryover::has_surplus;
use crate::judge::{Question, login};

/// Whether the run contains the event that defines this flaw. Flaws that are not listed here are
/// defined by their steps alone, which the model has compared.
pub(super) fn is_proved(flaw: Flaw, question: &Question<'_>, evidence: &Evidence) -> bool {
    let run = &evidence.run;
    match flaw {
        Flaw::PipelinesSecretWithRequest => {
            run.iter().any(|events| pipelines_secret(events))
                || sends_together(&evidence.clear_messages)
        }
        Flaw::BelievesEarlySuccess => login::leaves_out_login(run),
        // A surplus reply is read as the answer to another command, which it does not answer.
        Flaw::AcceptsGarbledReply => {
            has_surplus(run)
                || run.iter().any(|events| goes_on_after_garbage(events))
                || run.iter().any(|events| goes_on_after_opening(question.protocol, events))
        }
        Flaw::SendsSecretBeforeRequest => run.iter().any(|events| sends_secret_first(events)),
        Flaw::BelievesEarlyReply => run.iter().any(|events| believes_early(events)),
        Flaw::TakesNameFromWire => takes_name(question, evidence),
        Flaw::AcceptsWrongName => {
            let unknown = evidence.twin.is_none();
            unknown || !takes_name(question, evidence)
        }
        _ => true,
    }
}

/// A command that carries a secret, or the data.
const fn is_secret(command: Command) -> bool {
    matches!(command, Command::Login(_) | Command::Credential | Command::Deliver)
}

const fn is_upgrade(event: &Event) -> bool {
    matches!(event, Event::Heard(Command::Upgrade, Layer::Clear))
}

/// The events in clear after the upgrade request.
fn after_request(events: &[Event]) -> &[Event] {
    let asked = events.iter().position(is_upgrade);
    asked.map_or(&[], |at| &events[at + 1..])
}

/// Whether a secret directly follows the upgrade request: before any answer, and before the connection
/// ended.
fn pipelines_secret(events: &[Event]) -> bool {
    after_request(events)
        .iter()
        .take_while(|event| matches!(event, Event::Heard(..)))
        .any(|event| matches!(event, Event::Heard(command, Layer::Clear) if is_secret(*command)))
}

/// Whether the client sent a secret together with the upgrade request, before it could read the
/// server's answer.
fn sends_together(words: &[ClearMessage]) -> bool {
    words.iter().enumerate().any(|(at, request)| {
        let behind = words[at + 1..].iter();
        let mut together =
            behind.take_while(|next| next.ahead && next.connection == request.connection);
        request.command == Some(Command::Upgrade)
            && together.any(|next| next.command.is_some_and(is_secret))
    })
}

/// Whether the client went on in clear after an unreadable reply, or after a reply that is not an
/// answer to the upgrade request.
fn goes_on_after_garbage(events: &[Event]) -> bool {
    let known = |reply| matches!(reply, Reply::Accept | Reply::Refuse | Reply::Bye);
    let garbled = |event: &Event| match event {
        Event::Said { segment, layer: Layer::Clear, answers } => {
            let mut replies = segment.pieces().iter().map(|piece| piece.message());
            let nonsense = *answers == Some(Command::Upgrade)
                && replies.clone().next().is_some_and(|reply| !known(reply));
            nonsense || replies.any(|reply| reply == Reply::Garbled)
        }
        _ => false,
    };
    let Some(at) = events.iter().position(garbled) else { return false };
    let goes_on = |event: &Event| match event {
        Event::Heard(command, Layer::Clear) => !matches!(command, Command::Goodbye | Command::Noop),
        _ => false,
    };
    events[at..].iter().any(goes_on)
}

/// Whether the server's first message was not a greeting, and the client went on in clear.
fn goes_on_after_opening(protocol: &Protocol, events: &[Event]) -> bool {
    let Some(Event::Said { segment, layer: Layer::Clear, answers: None }) = events.first() else {
        return false;
    };
    let greets = match segment.pieces().first().map(|piece| piece.message()) {
        Some(Reply::Greeting | Reply::Welcome) => true,
        Some(Reply::Capabilities { .. }) => protocol.greets_with_capabilities(),
        _ => false,
    };
    let goes_on = |event: &Event| match event {
        Event::Heard(command, Layer::Clear) => is_secret(*command),
        _ => false,
    };
    !greets && events.iter().any(goes_on)
}

/// Whether the client sent a secret before the upgrade request, and before any list without the upgrade
/// or any rejected request for a list.
fn sends_secret_first(events: &[Event]) -> bool {
    let stripped = |event: &Event| match event {
        Event::Said { segment, layer: Layer::Clear, answers } => {
            segment.pieces().iter().any(|piece| {
                let asked = *answers == Some(Command::Hello);
                matches!(piece.message(), Reply::Capabilities { upgrade: false, .. })
                    || asked && matches!(piece.message(), Reply::Refuse | Reply::Garbled)
            })
        }
        _ => false,
    };
    events
        .iter()
        .take_while(|event| !is_upgrade(event) && !stripped(event))
        .any(|event| matches!(event, Event::Heard(command, Layer::Clear) if is_secret(*command)))
}

/// Whether the server sent a surplus reply before the upgrade request, and the client went on in clear
/// after the request.
fn believes_early(events: &[Event]) -> bool {
    let asked = events.iter().position(is_upgrade);
    let Some(asked) = asked else { return false };
    let early = has_surplus(&[events[..asked].to_vec()])
        || events[..asked].iter().any(|event| match event {
            Event::Said { segment, layer: Layer::Clear, .. } => {
                segment.pieces().contains(&Piece::Whole(Reply::Accept))
            }
            _ => false,
        });
    let goes_on = |event: &Event| match event {
        Event::Heard(command, Layer::Clear) => {
            !matches!(command, Command::Goodbye | Command::Noop | Command::Upgrade)
        }
        _ => false,
    };
    early && after_request(events).iter().any(goes_on)
}

/// Whether the certificate is for another name, which was sent in clear, and the client rejects this
/// certificate if the name is not sent. Without a twin, the second part is unknown; then the vector's
/// likely flaws decide.
pub(super) fn takes_name(question: &Question<'_>, evidence: &Evidence) -> bool {
    let other =
        matches!(question.certificate, Some(Certificate::WrongName | Certificate::OtherHost));
    let refuses = evidence.twin.as_ref().map(|twin| !twin.accepts_certificate);
    let about = question.likely.contains(&Flaw::TakesNameFromWire);
    match refuses {
        Some(refuses) => other && evidence.attacked_in_clear && refuses,
        None => other && about,
    }
}

#[cfg(test)]
mod tests {
    use upward_model::client::Close;
    use upward_model::message::{Mechanism, Segment};

    use super::*;

    fn said(reply: Reply, answers: Option<Command>) -> Event {
        Event::Said { segment: Segment::one(reply), layer: Layer::Clear, answers }
    }

    const fn heard(command: Command) -> Event {
        Event::Heard(command, Layer::Clear)
    }

    const LOGIN: Command = Command::Login(Mechanism::Own);

    #[test]
    fn a_secret_is_pipelined_only_before_any_answer() {
        let asks = heard(Command::Upgrade);
        assert!(pipelines_secret(&[asks.clone(), heard(LOGIN)]));
        assert!(pipelines_secret(&[asks.clone(), heard(Command::Hello), heard(LOGIN)]));
        let refused = said(Reply::Refuse, Some(Command::Upgrade));
        for between in [refused, Event::Closed(Close::Orderly), Event::ClientHello] {
            assert!(!pipelines_secret(&[asks.clone(), between, heard(LOGIN)]));
        }
        assert!(!pipelines_secret(&[heard(LOGIN), asks]));
    }

    #[test]
    fn a_secret_after_a_stripped_list_is_not_sent_before_the_request() {
        let list = |upgrade| said(Reply::offer(upgrade), Some(Command::Hello));
        let asks = heard(Command::Hello);
        assert!(sends_secret_first(&[asks.clone(), list(true), heard(LOGIN)]));
        assert!(sends_secret_first(&[heard(LOGIN)]));
        assert!(!sends_secret_first(&[asks.clone(), list(false), heard(LOGIN)]));
        let refused = said(Reply::Refuse, Some(Command::Hello));
        assert!(!sends_secret_first(&[asks, refused, heard(LOGIN)]));
        assert!(!sends_secret_first(&[heard(Command::Upgrade), heard(LOGIN)]));
    }

    #[test]
    fn garbage_is_taken_for_an_answer_only_where_there_was_some() {
        let garbled = said(Reply::Garbled, Some(Command::Upgrade));
        assert!(goes_on_after_garbage(&[garbled.clone(), heard(LOGIN)]));
        assert!(!goes_on_after_garbage(&[garbled.clone(), heard(Command::Goodbye)]));
        assert!(!goes_on_after_garbage(&[heard(LOGIN), garbled]));
        let list = said(Reply::offer(false), Some(Command::Hello));
        assert!(!goes_on_after_garbage(&[list, heard(LOGIN)]));
    }

    #[test]
    fn an_early_reply_is_believed_by_going_on() {
        let early = said(Reply::Accept, None);
        let greeting = said(Reply::Greeting, None);
        let start = [greeting, early, heard(Command::Upgrade)];
        assert!(believes_early(&[&start[..], &[heard(LOGIN)]].concat()));
        assert!(!believes_early(&[&start[..], &[heard(Command::Goodbye)]].concat()));
        assert!(!believes_early(&[start[0].clone(), start[2].clone(), heard(LOGIN)]));
    }
}
