//! Clear-text bytes that real clients read in another way than the model does.

use super::Event;
use crate::message::{Command, Layer, Piece, Reply, Segment};

/// The places of the upgrade request in clear, and of the handshake after it.
fn handshake(events: &[&mut Event]) -> Option<(usize, usize)> {
    let asks = |event: &&mut Event| **event == Event::Heard(Command::Upgrade, Layer::Clear);
    let asked = events.iter().position(asks)?;
    let behind = events[asked..].iter().position(|event| **event == Event::ClientHello)?;
    Some((asked, asked + behind))
}

/// A list in place of the greeting begins with a line that a client may read as the greeting. A client
/// does so if the list is unfinished, and it sends the upgrade request before its request for the
/// capabilities is answered: it read the rest of the list as the answer.
pub(super) fn greet(events: &mut [&mut Event]) {
    let runs_ahead = matches!(
        events.get(1..3),
        Some([
            Event::Heard(Command::Hello, Layer::Clear),
            Event::Heard(Command::Upgrade, Layer::Clear)
        ])
    );
    let Some(Event::Said { segment, layer: Layer::Clear, answers: None }) = events.first_mut()
    else {
        return;
    };
    let is_head = match segment.pieces() {
        [Piece::Line(Reply::Capabilities { .. }) | Piece::Block(Reply::Capabilities { .. })] => {
            true
        }
        [Piece::Whole(Reply::Capabilities { .. }), ..] => runs_ahead,
        _ => false,
    };
    if is_head {
        let read = [&[Piece::Whole(Reply::Greeting)], segment.pieces()].concat();
        *segment = Segment::new(&read);
    }
}

/// The first line of an unfinished list after the upgrade request is a complete line, too. A client
/// that accepts any positive line as the answer begins the handshake before the server has answered.
pub(super) fn grant(events: &mut [&mut Event]) {
    let Some((asked, hello)) = handshake(events) else { return };
    let whole = |event: &&mut Event| match &**event {
        Event::Said { segment, .. } => {
            segment.pieces().iter().any(|piece| matches!(piece, Piece::Whole(_)))
        }
        _ => false,
    };
    if events[asked..hello].iter().any(whole) {
        return;
    }
    let said = events[..hello].iter_mut().rev().find_map(|event| match &mut **event {
        Event::Said { segment, layer: Layer::Clear, .. } => Some(segment),
        _ => None,
    });
    if let Some(segment) = said
        && let Some((last, rest)) = segment.pieces().split_last()
        && let Piece::Line(list @ Reply::Capabilities { .. })
        | Piece::Block(list @ Reply::Capabilities { .. }) = *last
    {
        let read = [rest, &[Piece::Whole(list), *last]].concat();
        *segment = Segment::new(&read);
    }
}

/// A line without its line end, directly before the peer closes, counts as a line: many clients read
/// it.
pub(super) fn end_lines(events: &mut [&mut Event]) {
    for at in 1..events.len() {
        if let [Event::Said { segment, layer: Layer::Clear, .. }, Event::Closed(_)] =
            &mut events[at - 1..=at]
            && let Some((Piece::Line(last), rest)) = segment.pieces().split_last()
        {
            let whole: Vec<Piece<Reply>> =
                rest.iter().copied().chain([Piece::Whole(*last)]).collect();
            *segment = Segment::new(&whole);
        }
    }
}

/// Removes negative replies that a client ignored, if it begins the handshake after the server's grant.
/// These are replies that answer no command before the upgrade request, and, in a protocol with tags, a
/// refusal before the grant. A client may empty its buffer before it sends the request. It may also
/// read all replies with its tag, and use the last.
pub(super) fn pass_over(events: &mut [&mut Event], has_tags: bool) {
    let Some((asked, hello)) = handshake(events) else { return };
    let last = events[asked..hello].iter().rev().find_map(|event| match &**event {
        Event::Said { segment, layer: Layer::Clear, .. } => segment.pieces().last(),
        _ => None,
    });
    if last != Some(&Piece::Whole(Reply::Accept)) {
        return;
    }
    let is_negative = |piece: &Piece<Reply>| {
        matches!(piece, Piece::Whole(Reply::Refuse | Reply::Bye | Reply::Garbled | Reply::Unknown))
    };
    for (at, event) in events[..hello].iter_mut().enumerate() {
        let Event::Said { segment, layer: Layer::Clear, .. } = &mut **event else { continue };
        let is_before = at < asked;
        if !is_before && !has_tags {
            continue;
        }
        let is_kept = |&(place, piece): &(usize, &Piece<Reply>)| {
            // The first reply is the answer.
            if is_before {
                place == 0 || !is_negative(piece)
            } else {
                *piece != Piece::Whole(Reply::Refuse)
            }
        };
        let pieces = segment.pieces().iter().enumerate().filter(is_kept);
        let kept: Vec<Piece<Reply>> = pieces.map(|(_, &piece)| piece).collect();
        // A refusal in a separate segment stays: the client had time to react to it.
        if !kept.is_empty() {
            *segment = Segment::new(&kept);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Close;

    fn said(pieces: &[Piece<Reply>]) -> Event {
        Event::Said { segment: Segment::new(pieces), layer: Layer::Clear, answers: None }
    }

    /// Applies a reading to a run.
    fn read(by: fn(&mut [&mut Event]), events: &[Event]) -> Vec<Event> {
        let mut events = events.to_vec();
        by(&mut events.iter_mut().collect::<Vec<_>>());
        events
    }

    #[test]
    fn the_first_line_of_a_list_is_whole_where_nothing_else_answers() {
        let list = Reply::offer(true);
        let (greeting, half) = (Piece::Whole(Reply::Greeting), Piece::Line(list));
        let asks = Event::Heard(Command::Upgrade, Layer::Clear);
        let both = [greeting, Piece::Whole(list), half];
        let events = read(grant, &[said(&[greeting, half]), asks.clone(), Event::ClientHello]);
        assert_eq!(events[0], said(&both));
        // A complete answer is not reinterpreted; neither is a run without a ClientHello.
        let answered = said(&[Piece::Whole(Reply::Accept)]);
        for rest in [vec![answered, Event::ClientHello], vec![asks.clone()]] {
            let events = [vec![said(&[greeting, half]), asks.clone()], rest].concat();
            assert_eq!(read(grant, &events), events);
        }
    }

    #[test]
    fn the_close_ends_a_line_and_no_block() {
        let closed = Event::Closed(Close::Orderly);
        let line = [Piece::Whole(Reply::Greeting), Piece::Line(Reply::Accept)];
        let whole = [Piece::Whole(Reply::Greeting), Piece::Whole(Reply::Accept)];
        let events = read(end_lines, &[said(&line), closed.clone()]);
        assert_eq!(events, [said(&whole), closed.clone()]);
        for events in [
            vec![said(&[Piece::Block(Reply::Accept)]), closed.clone()],
            vec![said(&line), said(&whole), closed],
        ] {
            assert_eq!(read(end_lines, &events), events);
        }
    }

    #[test]
    fn the_rest_of_a_list_answers_a_client_that_does_not_wait() {
        let list = Piece::Whole(Reply::offer(true));
        let greeting = Piece::Whole(Reply::Greeting);
        let (asks, upgrade) = (
            Event::Heard(Command::Hello, Layer::Clear),
            Event::Heard(Command::Upgrade, Layer::Clear),
        );
        let ahead = [said(&[list, greeting]), asks.clone(), upgrade.clone()];
        assert_eq!(read(greet, &ahead)[0], said(&[greeting, list, greeting]));
        let waits = [said(&[list, greeting]), asks, said(&[list]), upgrade];
        assert_eq!(read(greet, &waits), waits);
    }

    #[test]
    fn the_last_answer_counts_where_the_handshake_begins() {
        let [greeting, refuse, accept] =
            [Reply::Greeting, Reply::Refuse, Reply::Accept].map(Piece::Whole);
        let tagged = |events: &mut [&mut Event]| pass_over(events, true);
        let plain = |events: &mut [&mut Event]| pass_over(events, false);
        let asks = Event::Heard(Command::Upgrade, Layer::Clear);
        let hello = Event::ClientHello;
        let early = [said(&[greeting, refuse]), asks.clone(), said(&[accept]), hello.clone()];
        let late = [said(&[greeting]), asks.clone(), said(&[refuse, accept]), hello.clone()];
        let usual = [said(&[greeting]), asks.clone(), said(&[accept]), hello.clone()];
        assert_eq!(read(tagged, &early), usual);
        assert_eq!(read(plain, &early), usual);
        assert_eq!(read(tagged, &late), usual);
        // Without tags, the first reply is the answer.
        assert_eq!(read(plain, &late), late);
        // A refusal without a later grant stays, and so does one without a later handshake.
        for events in [
            vec![said(&[greeting]), asks.clone(), said(&[accept, refuse]), hello],
            vec![said(&[greeting]), asks.clone(), said(&[refuse, accept]), asks],
        ] {
            assert_eq!(read(tagged, &events), events);
        }
    }
}
