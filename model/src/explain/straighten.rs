//! Removes the detours from runs, which no property is about.

use super::{Event, Run, reading};
use crate::message::{Command, Layer};
use crate::protocol::Protocol;

/// Which of several requests for the capabilities is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// The first: its answer decided the client's behaviour, although the client asked again.
    First,
    /// The last.
    Last,
}

/// A form of a run that clients are compared with.
#[derive(Clone, Debug)]
pub(super) struct Form {
    /// Its events.
    pub(super) run: Run,
    /// The position of each event in the original run.
    pub(super) positions: Vec<Vec<usize>>,
}

impl Form {
    /// The recorded run, without messages that carry no information.
    pub(super) fn recorded(run: &Run) -> Self {
        let connections = run.iter().map(|events| {
            events.iter().cloned().enumerate().filter(|(_, event)| !is_noise(event)).collect()
        });
        Self::of(connections)
    }

    fn of(connections: impl Iterator<Item = Vec<Placed>>) -> Self {
        let unzipped = connections.map(|placed| placed.into_iter().unzip::<_, _, Vec<_>, Vec<_>>());
        let (positions, run) = unzipped.unzip();
        Self { run, positions }
    }

    /// A run without the detours that no property is about.
    pub(super) fn straightened(
        protocol: &Protocol,
        run: &Run,
        sessions: usize,
        question: Question,
    ) -> Self {
        // A second delivery may belong to a second session, and is not a detour then.
        let detours: &[Command] =
            if sessions > 1 { &[Command::Hello] } else { &[Command::Hello, Command::Deliver] };
        Self::of(
            run.iter().map(|events| repeated(without_noise(protocol, events), detours, question)),
        )
    }
}

/// An event, and its position in the recorded run.
type Placed = (usize, Event);

/// Whether it is a message without information, or the reply to one.
const fn is_noise(event: &Event) -> bool {
    matches!(
        event,
        Event::Heard(Command::Noop | Command::Goodbye, _)
            | Event::Said { answers: Some(Command::Noop | Command::Goodbye), .. }
    )
}

fn without_noise(protocol: &Protocol, events: &[Event]) -> Vec<Placed> {
    // A closed peer receives no message, so a repeated request of the client there is dropped.
    let closed = events.iter().position(|event| matches!(event, Event::Closed(_)));
    let is_late = |at: usize, event: &Event| {
        closed.is_some_and(|closed| closed < at)
            && *event == Event::Heard(Command::Hello, Layer::Clear)
    };
    let placed = events.iter().cloned().enumerate();
    let mut kept: Vec<Placed> =
        placed.filter(|(at, event)| !is_noise(event) && !is_late(*at, event)).collect();
    let mut read: Vec<&mut Event> = kept.iter_mut().map(|(_, event)| event).collect();
    reading::greet(&mut read);
    reading::grant(&mut read);
    reading::end_lines(&mut read);
    reading::pass_over(&mut read, protocol.speech.has_tags());
    // After the login inside TLS, a request for the capabilities is about what the logged-in user may
    // do.
    let login = |(_, event): &Placed| {
        matches!(event, Event::Heard(Command::Login(_) | Command::Credential, Layer::Tls))
    };
    if let Some(login) = kept.iter().position(login) {
        let mut index = 0;
        kept.retain(|(_, event)| {
            index += 1;
            let question = matches!(
                event,
                Event::Heard(Command::Hello, Layer::Tls)
                    | Event::Said { answers: Some(Command::Hello), layer: Layer::Tls, .. }
            );
            index <= login || !question
        });
    }
    kept
}

/// Removes repeated requests, and all rounds of a delivery but the last.
fn repeated(events: Vec<Placed>, detours: &[Command], question: Question) -> Vec<Placed> {
    let mut kept: Vec<Placed> = Vec::new();
    let mut again = false;
    for (position, event) in events {
        let answers = Some(Command::Hello);
        if again && matches!(&event, Event::Said { answers: to, .. } if *to == answers) {
            continue;
        }
        again = false;
        if let Event::Heard(command, layer) = &event
            && detours.contains(command)
        {
            let last = kept.iter().rposition(|(_, event)| !matches!(event, Event::Said { .. }));
            if let Some(last) = last
                && kept[last].1 == Event::Heard(*command, *layer)
            {
                if *command == Command::Hello && question == Question::First {
                    again = true;
                    continue;
                }
                let answered = |event: &Event| matches!(event, Event::Said { answers: Some(answer), .. } if answer == command);
                let rest = kept.split_off(last);
                kept.extend(rest.into_iter().skip(1).filter(|(_, event)| !answered(event)));
            }
        }
        kept.push((position, event));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Close;
    use crate::message::{Piece, Reply, Segment};
    use crate::protocol::SMTP;

    fn said(pieces: &[Piece<Reply>]) -> Event {
        Event::Said { segment: Segment::new(pieces), layer: Layer::Clear, answers: None }
    }

    fn straight(events: &[Event]) -> (Vec<Event>, Vec<usize>) {
        let form = Form::straightened(&SMTP, &vec![events.to_vec()], 1, Question::Last);
        (form.run[0].clone(), form.positions[0].clone())
    }

    #[test]
    fn a_question_to_a_peer_that_has_closed_is_no_step() {
        let asks = Event::Heard(Command::Hello, Layer::Clear);
        let closed = Event::Closed(Close::Orderly);
        let kept = vec![asks.clone(), closed.clone()];
        assert_eq!(straight(&[asks.clone(), closed.clone(), asks]), (kept, vec![0, 1]));
        // Any other message after the close stays.
        for late in [
            Event::Heard(Command::Deliver, Layer::Clear),
            Event::Heard(Command::Upgrade, Layer::Clear),
            Event::Heard(Command::Hello, Layer::Tls),
        ] {
            let events = vec![closed.clone(), late];
            assert_eq!(straight(&events), (events, vec![0, 1]));
        }
    }

    #[test]
    fn what_says_nothing_is_in_no_form() {
        let asks = Event::Heard(Command::Hello, Layer::Clear);
        let goodbye = Event::Heard(Command::Goodbye, Layer::Clear);
        let bye = Event::Said {
            segment: Segment::new(&[Piece::Whole(Reply::Bye)]),
            layer: Layer::Clear,
            answers: Some(Command::Goodbye),
        };
        let events = [asks.clone(), goodbye, bye];
        let form = Form::recorded(&vec![events.to_vec()]);
        assert_eq!((form.run, form.positions), (vec![vec![asks.clone()]], vec![vec![0]]));
        assert_eq!(straight(&events), (vec![asks], vec![0]));
    }

    #[test]
    fn a_form_says_where_its_events_were() {
        let asks = Event::Heard(Command::Hello, Layer::Clear);
        let noop = Event::Heard(Command::Noop, Layer::Clear);
        let upgrade = Event::Heard(Command::Upgrade, Layer::Clear);
        let greeting = said(&[Piece::Whole(Reply::Greeting)]);
        let events = [greeting.clone(), asks.clone(), noop, asks.clone(), upgrade.clone()];
        assert_eq!(straight(&events), (vec![greeting, asks, upgrade], vec![0, 3, 4]));
    }
}
