//! Whether a client is blind: it sends its commands without reading the replies.
//!
//! A client is blind if it does not wait for a reply for which the standard makes it wait. The judge
//! cannot tell what such a client does because of injected bytes from what it does anyway.

use upward_model::explain::{Event, Run};
use upward_model::message::{Command, Layer};
use upward_model::vector::{Certificate, Deviation, Do, PeerRecord, Point};

use crate::codec::Codec;
use crate::scene::Scene;
use crate::subject::Destination;
use crate::suite::subject::Subject;
use crate::suite::{SuiteError, end};

/// Whether the client sent more than one question inside TLS, although none was answered. Commands
/// after the peer has closed are not counted: the client may take the close for an answer.
pub(super) fn goes_on_unanswered(run: &Run) -> bool {
    let asked = |events: &Vec<Event>| {
        events[..end::end(events)].iter().filter(|event| end::is_said(event)).count()
    };
    run.iter().any(|events| asked(events) > 1)
}

/// Whether a client that goes on unanswered inside TLS may do so: the standard must allow pipelining,
/// and the client must not say goodbye before it gets an answer.
pub(super) fn may_run_ahead(codec: &dyn Codec, run: &Run) -> bool {
    let leaves = |events: &Vec<Event>| {
        events[..end::end(events)].contains(&Event::Heard(Command::Goodbye, Layer::Tls))
    };
    codec.lets_commands_run_ahead() && !run.iter().any(leaves)
}

/// A client may pipeline commands inside TLS (RFC 3501 section 5.5, RFC 2920). Whether such a client
/// waits for the replies in clear that it must wait for: the greeting, the capabilities and the answer
/// to the upgrade request. If it does not, it is blind.
pub(super) async fn waits_in_clear(
    client: &(impl Subject + Sync),
    honest: &Scene,
) -> Result<bool, SuiteError> {
    for (point, name) in [
        (Point::Opening, "control-withheld-greeting"),
        (Point::Capabilities, "control-withheld-capabilities"),
        (Point::Upgrade, "control-withheld-upgrade"),
    ] {
        let launched = client.launch(&withheld(honest, point), name, Destination::Persona).await?;
        if goes_on_in_clear(&launched.trial.evidence.run, point) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether the client sent more in clear than it may while the reply at this point was withheld.
fn goes_on_in_clear(run: &Run, point: Point) -> bool {
    run.iter().any(|events| {
        let before = &events[..end::end(events)];
        // If the client speaks first, there is no greeting to wait for.
        let withheld = match point {
            Point::Opening => before.first().is_some_and(is_question).then_some(0),
            Point::Capabilities => before.iter().position(is_question).map(|at| at + 1),
            _ => before.iter().position(is_request).map(|at| at + 1),
        };
        let said = withheld.and_then(|at| before[at..].iter().find(|event| is_the_client(event)));
        match (point, said) {
            // The question and the upgrade request may be sent together (RFC 3501 section 5.5).
            (Point::Capabilities, Some(event)) => !is_request(event),
            (_, said) => said.is_some(),
        }
    })
}

const fn is_question(event: &Event) -> bool {
    matches!(event, Event::Heard(Command::Hello, Layer::Clear))
}

const fn is_request(event: &Event) -> bool {
    matches!(event, Event::Heard(Command::Upgrade, Layer::Clear))
}

/// An action of the client other than saying goodbye.
const fn is_the_client(event: &Event) -> bool {
    match event {
        Event::Heard(command, _) => !matches!(command, Command::Goodbye | Command::Noop),
        Event::ClientHello => true,
        _ => false,
    }
}

/// The honest peer that stops answering at a point.
pub(super) fn withheld(honest: &Scene, at: Point) -> Scene {
    let deviation = Deviation {
        session: 1,
        connection: None,
        at,
        action: Do::Withhold,
        text: None,
        hex: None,
        meaning: Vec::new(),
        segment: None,
    };
    Scene {
        peer: PeerRecord {
            certificate: Certificate::Genuine,
            deviations: vec![deviation],
            ..honest.peer.clone()
        },
        ..honest.clone()
    }
}

#[cfg(test)]
mod tests {
    use upward_model::client::Close;

    use super::*;
    use crate::codec::{Imap, Smtp};

    #[test]
    fn a_client_that_pipelines_by_right_is_not_blind() {
        let says = |command| Event::Heard(command, Layer::Clear);
        let (asks, upgrades) = (says(Command::Hello), says(Command::Upgrade));
        let closes = Event::Closed(Close::Orderly);
        let goes_on = |events: &[&Event], point| {
            goes_on_in_clear(&vec![events.iter().map(|event| (*event).clone()).collect()], point)
        };
        assert!(goes_on(&[&asks], Point::Opening));
        assert!(!goes_on(&[&closes], Point::Opening));
        assert!(!goes_on(&[&asks, &upgrades], Point::Capabilities));
        assert!(goes_on(&[&asks, &says(Command::Deliver)], Point::Capabilities));
        assert!(!goes_on(&[&asks, &says(Command::Goodbye)], Point::Capabilities));
        assert!(goes_on(&[&asks, &upgrades, &Event::ClientHello], Point::Upgrade));
        assert!(!goes_on(&[&asks, &upgrades, &closes, &Event::ClientHello], Point::Upgrade));
    }

    #[test]
    fn the_end_of_the_connection_is_an_answer() {
        let says = |command| Event::Heard(command, Layer::Tls);
        let (asks, closes) = (says(Command::Hello), Event::Closed(Close::Orderly));
        let login = says(Command::Credential);
        assert!(goes_on_unanswered(&vec![vec![asks.clone(), login.clone()]]));
        assert!(!goes_on_unanswered(&vec![vec![asks.clone(), closes, login]]));
        assert!(!goes_on_unanswered(&vec![vec![asks, says(Command::Goodbye)]]));
    }

    #[test]
    fn commands_may_run_ahead_where_the_standard_says_so() {
        let says = |command| Event::Heard(command, Layer::Tls);
        let run = vec![vec![says(Command::Hello), says(Command::Deliver)]];
        assert!(may_run_ahead(&Imap, &run));
        // RFC 2920 section 3.1: nothing may follow EHLO before its answer.
        assert!(!may_run_ahead(&Smtp, &run));
        let leaves = vec![[&run[0][..], &[says(Command::Goodbye)]].concat()];
        assert!(!may_run_ahead(&Imap, &leaves));
    }
}
