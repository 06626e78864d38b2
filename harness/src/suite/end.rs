//! What a client says inside TLS when the peer has closed.
//!
//! Some clients take the end of the connection for the answer that they waited for, and go on before
//! they notice that nobody listens. The control with a withheld reply shows it. What such a client
//! says at the end of some other run is no sign that it acted on what was injected: it is not judged by
//! it. Its bytes are looked at all the same.

use upward_model::explain::{Event, Run};
use upward_model::message::{Command, Layer};

/// Whether a client says more at the end than a goodbye.
pub(super) fn goes_on(run: &Run) -> bool {
    run.iter().any(|events| events.iter().skip(end(events)).any(is_said))
}

/// The same run without what the client said at the end.
pub(super) fn without(run: &Run) -> Run {
    let before = |events: &Vec<Event>| {
        let end = end(events);
        let kept = events.iter().enumerate().filter(|(at, event)| *at < end || !is_said(event));
        kept.map(|(_, event)| event.clone()).collect()
    };
    run.iter().map(before).collect()
}

/// What a client says inside TLS, but for a goodbye.
pub(super) fn is_said(event: &Event) -> bool {
    matches!(event, Event::Heard(command, Layer::Tls) if *command != Command::Goodbye)
}

/// Where the peer closes.
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
        // Who goes on in clear, or says goodbye, does something else.
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
