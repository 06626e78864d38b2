//! The login in the steps of a run.

use upward_model::explain::Event;
use upward_model::message::{Command, Layer, Piece, Reply};

/// Whether a client delivered inside TLS without a login, after the server had said in clear that it is
/// logged in.
pub(super) fn leaves_out_login(run: &[Vec<Event>]) -> bool {
    run.iter().any(|events| is_told(events) && delivers_without_login(events))
}

fn delivers_without_login(events: &[Event]) -> bool {
    events.contains(&Event::Heard(Command::Deliver, Layer::Tls)) && !logs_in(events)
}

/// Whether a client sent any part of a login.
pub(super) fn logs_in(events: &[Event]) -> bool {
    let login = |command: &Command| {
        matches!(command, Command::Login(_) | Command::Begin(_) | Command::Credential)
    };
    events.iter().any(|event| matches!(event, Event::Heard(command, _) if login(command)))
}

/// Whether the server said in clear that the client is logged in.
fn is_told(events: &[Event]) -> bool {
    [Reply::LoggedIn, Reply::Welcome].into_iter().any(|reply| said_in_clear(events, reply))
}

/// Whether the server sent this reply in clear.
pub(super) fn said_in_clear(events: &[Event], reply: Reply) -> bool {
    events.iter().any(|event| match event {
        Event::Said { segment, layer: Layer::Clear, .. } => {
            segment.pieces().contains(&Piece::Whole(reply))
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use upward_model::message::{Mechanism, Segment};

    use super::*;

    fn said(reply: Reply, layer: Layer) -> Event {
        Event::Said { segment: Segment::one(reply), layer, answers: None }
    }

    fn heard(command: Command, layer: Layer) -> Event {
        Event::Heard(command, layer)
    }

    #[test]
    fn a_login_is_left_out_where_it_was_told_to_be_done() {
        let delivers = heard(Command::Deliver, Layer::Tls);
        let logs_in = heard(Command::Login(Mechanism::Own), Layer::Tls);
        for told in [Reply::LoggedIn, Reply::Welcome] {
            let told = said(told, Layer::Clear);
            assert!(leaves_out_login(&[vec![told.clone(), delivers.clone()]]));
            assert!(!leaves_out_login(&[vec![told.clone(), logs_in.clone(), delivers.clone()]]));
            assert!(!leaves_out_login(&[vec![told]]));
        }
        // The server sends nothing, sends it inside TLS, or sends another reply.
        assert!(!leaves_out_login(&[vec![delivers.clone()]]));
        for told in [said(Reply::LoggedIn, Layer::Tls), said(Reply::Greeting, Layer::Clear)] {
            assert!(!leaves_out_login(&[vec![told, delivers.clone()]]));
        }
    }
}
