//! What clients read in the bytes that came in clear where the model reads something else.

use super::Event;
use crate::message::{Command, Layer, Piece, Reply, Segment};

/// Where TLS is asked for in clear, and where the handshake begins after that.
fn handshake(events: &[&mut Event]) -> Option<(usize, usize)> {
    let asks = |event: &&mut Event| **event == Event::Heard(Command::Upgrade, Layer::Clear);
    let asked = events.iter().position(asks)?;
    let behind = events[asked..].iter().position(|event| **event == Event::ClientHello)?;
    Some((asked, asked + behind))
}

/// An unfinished list in place of the greeting begins with a line that is whole, and that a client may take
/// for the greeting.
pub(super) fn greet(events: &mut [&mut Event]) {
    let Some(Event::Said { segment, layer: Layer::Clear, answers: None }) = events.first_mut()
    else {
        return;
    };
    if let [
        first
        @ (Piece::Line(Reply::Capabilities { .. }) | Piece::Block(Reply::Capabilities { .. })),
    ] = segment.pieces()
    {
        *segment = Segment::new(&[Piece::Whole(Reply::Greeting), *first]);
    }
}

/// The first line of an unfinished list is whole as well behind the upgrade request: a client that takes any
/// positive line for the answer begins the handshake before the server has answered.
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

/// A line without its end, right before the peer closes, is a line: many clients read what there is.
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

/// Of several replies with the tag of the upgrade request, the last counts for a client that reads them all
/// before it looks: where it begins the handshake, the refusal before the grant was no answer.
pub(super) fn answer_last(events: &mut [&mut Event]) {
    let Some((_, hello)) = handshake(events) else { return };
    let said = events[..hello].iter_mut().filter_map(|event| match &mut **event {
        Event::Said { segment, layer: Layer::Clear, answers: None | Some(Command::Upgrade) } => {
            Some(segment)
        }
        _ => None,
    });
    let said: Vec<&mut Segment<Reply>> = said.collect();
    let last = said.last().and_then(|segment| segment.pieces().last());
    if last != Some(&Piece::Whole(Reply::Accept)) {
        return;
    }
    for segment in said {
        let refuses = |piece: &Piece<Reply>| *piece == Piece::Whole(Reply::Refuse);
        // Where a refusal came by itself, the client had time to look at it.
        let kept: Vec<Piece<Reply>> =
            segment.pieces().iter().filter(|piece| !refuses(piece)).copied().collect();
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

    /// What a reading makes of a run.
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
        // An answer is read as one; and what is sent in clear instead of a ClientHello needs another reason.
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
    fn the_last_answer_counts_where_the_handshake_begins() {
        let [greeting, refuse, accept] =
            [Reply::Greeting, Reply::Refuse, Reply::Accept].map(Piece::Whole);
        let asks = Event::Heard(Command::Upgrade, Layer::Clear);
        let hello = Event::ClientHello;
        let early = [said(&[greeting, refuse]), asks.clone(), said(&[accept]), hello.clone()];
        let late = [said(&[greeting]), asks.clone(), said(&[refuse, accept]), hello.clone()];
        let usual = [said(&[greeting]), asks.clone(), said(&[accept]), hello.clone()];
        assert_eq!(read(answer_last, &early), usual);
        assert_eq!(read(answer_last, &late), usual);
        // A refusal that nothing takes back stays, and so does one after which there is no handshake.
        for events in [
            vec![said(&[greeting]), asks.clone(), said(&[accept, refuse]), hello],
            vec![said(&[greeting]), asks.clone(), said(&[refuse, accept]), asks],
        ] {
            assert_eq!(read(answer_last, &events), events);
        }
    }
}
