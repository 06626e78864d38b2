//! Runs without the detours that no property speaks of.

use super::{Event, Run};
use crate::message::{Command, Layer};

/// Which of several questions for the capabilities is taken for the one that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// The first: what it was answered with decided, although the client went on asking.
    First,
    /// The last.
    Last,
}

/// A run without the detours that no property speaks of.
pub(super) fn straightened(run: &Run, sessions: usize, question: Question) -> Run {
    // A second delivery may be a second session's: it is no detour then.
    let detours: &[Command] =
        if sessions > 1 { &[Command::Hello] } else { &[Command::Hello, Command::Deliver] };
    run.iter().map(|events| repeated(&without_noise(events), detours, question)).collect()
}

fn without_noise(events: &[Event]) -> Vec<Event> {
    let noise = |event: &&Event| {
        !matches!(
            event,
            Event::Heard(Command::Noop | Command::Goodbye, _)
                | Event::Said { answers: Some(Command::Noop | Command::Goodbye), .. }
        )
    };
    let mut kept: Vec<Event> = events.iter().filter(noise).cloned().collect();
    // Once logged in inside TLS, whoever asks for the capabilities asks what it may do now.
    let login = |event: &Event| {
        matches!(event, Event::Heard(Command::Login(_) | Command::Credential, Layer::Tls))
    };
    if let Some(login) = kept.iter().position(login) {
        let mut index = 0;
        kept.retain(|event| {
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

/// Takes out a question that is asked again, and all rounds of a delivery but the last.
fn repeated(events: &[Event], detours: &[Command], question: Question) -> Vec<Event> {
    let mut kept: Vec<Event> = Vec::new();
    let mut again = false;
    for event in events {
        let answers = Some(Command::Hello);
        if again && matches!(event, Event::Said { answers: to, .. } if *to == answers) {
            continue;
        }
        again = false;
        if let Event::Heard(command, layer) = event
            && detours.contains(command)
        {
            let last = kept.iter().rposition(|event| !matches!(event, Event::Said { .. }));
            if let Some(last) = last
                && kept[last] == Event::Heard(*command, *layer)
            {
                if *command == Command::Hello && question == Question::First {
                    again = true;
                    continue;
                }
                let answered = |event: &Event| matches!(event, Event::Said { answers: Some(answer), .. } if answer == command);
                let rest = kept.split_off(last);
                kept.extend(rest.into_iter().skip(1).filter(|event| !answered(event)));
            }
        }
        kept.push(event.clone());
    }
    kept
}
