//! What a client sends inside TLS after the peer has closed.
//!
//! Some clients send their next commands when the server closes the connection. The control with a
//! withheld reply shows whether a client does so. Commands that such a client sends at the end of
//! another run do not prove that it acted on injected bytes, so the judge ignores them. Their bytes are
//! still searched for secrets.

use upward_model::explain::{Event, Run};
use upward_model::message::{Command, Layer};

/// Whether a client sends a command other than a goodbye after the peer has closed.
pub(super) fn goes_on(run: &Run) -> bool {
    run.iter().any(|events| events.iter().skip(end(events)).any(is_said))
}

/// The same run without the commands that the client sent at the end.
pub(super) fn without(run: &Run) -> Run {
    let before = |events: &Vec<Event>| {
        let end = end(events);
        let kept = events.iter().enumerate().filter(|(at, event)| *at < end || !is_said(event));
        kept.map(|(_, event)| event.clone()).collect()
    };
    run.iter().map(before).collect()
}

/// Whether this is a command of the client inside TLS, other than a goodbye.
pub(super) fn is_said(event: &Event) -> bool {
    matches!(event, Event::Heard(command, Layer::Tls) if *command != Command::Goodbye)
}

/// The index of the event at which the peer closes.
pub(super) fn end(events: &[Event]) -> usize {
    let closes = |event: &Event| matches!(event, Event::Closed(_));
    events.iter().position(closes).unwrap_or(events.len())
}

#[cfg(test)]
mod tests {
    use upward_model::client::Close;

    use super::*;

    #[test]
    fn what_is_said_at_the_end_is_told_from_the_rest() {
        let says = |command, layer| Event::Heard(command, layer);
        let closes = Event::Closed(Close::Orderly);
        let asks = says(Command::Hello, Layer::Tls);
        let before = vec![asks.clone(), says(Command::Credential, Layer::Tls)];
        assert!(!goes_on(&vec![before.clone()]));
        assert_eq!(without(&vec![before.clone()]), vec![before]);
        let at_the_end = vec![asks.clone(), closes.clone(), says(Command::Credential, Layer::Tls)];
        assert!(goes_on(&vec![at_the_end.clone()]));
        assert_eq!(without(&vec![at_the_end]), vec![vec![asks.clone(), closes.clone()]]);
        // A client that goes on in clear, or says goodbye, is a different case.
        let others = vec![
            asks,
            closes,
            says(Command::Goodbye, Layer::Tls),
            says(Command::Credential, Layer::Clear),
        ];
        assert!(!goes_on(&vec![others.clone()]));
        assert_eq!(without(&vec![others.clone()]), vec![others]);
    }
}
