//! Decides what a difference from the twin proves: plaintext was used inside TLS.

use upward_model::client::Peer;
use upward_model::explain::Event;
use upward_model::flaw::Flaw;
use upward_model::message::{Command, Layer, Piece, Reply, Segment};
use upward_model::property::Property;
use upward_model::protocol::Memory;

use crate::evidence::Evidence;
use crate::judge::twin::Difference;
use crate::judge::{Question, login};

/// Plaintext that was used inside TLS.
pub(super) struct Carryover {
    /// The property that is broken.
    pub(super) property: Property,
    /// The flaw that it suggests, if the bytes show one.
    pub(super) flaw: Option<Flaw>,
    /// The difference from the twin that proves it.
    pub(super) difference: Difference,
}

impl Carryover {
    /// Whether the client stops where it goes on in the run without the attack in clear.
    pub(super) const fn stops(&self) -> bool {
        matches!(self.difference, Difference::Stops { .. })
    }

    /// Whether the only difference is that the client was silent until the server closed. How long a
    /// client takes to answer proves nothing.
    pub(super) const fn is_silence(&self) -> bool {
        matches!(self.difference, Difference::Stops { waits: true, .. })
    }
}

/// The plaintext that the client used inside TLS, if the difference from the twin proves it.
pub(super) fn carryover(question: &Question<'_>, evidence: &Evidence) -> Option<Carryover> {
    let genuine = |event: &Event| *event == Event::Handshake(Peer::Genuine);
    if question.protocol.memory != Memory::Forgotten || !evidence.run.iter().flatten().any(genuine)
    {
        return None;
    }
    let difference = evidence.inside.differs(evidence.twin.as_ref()?)?;
    if matches!(difference, Difference::Stops { waits: false, .. }) && is_refused(&evidence.run) {
        return None;
    }
    let clear: Vec<&Event> = evidence.run.iter().flatten().collect();
    let answered = evidence.run.iter().flatten().any(is_said_inside);
    let open = left_open(&clear).filter(|_| answered);
    // The client sends its first command inside TLS before it reads anything there: a change in it
    // comes from knowledge, not from a buffer.
    let read = !matches!(difference, Difference::Says { first: true, .. });
    let (property, flaw) = if read && open.is_some() {
        (Property::NoClearBytesUsedInsideTls, open)
    } else if login::leaves_out_login(&evidence.run) {
        (Property::NoJump, Some(Flaw::BelievesEarlySuccess))
    } else if read && has_surplus(&evidence.run) {
        // A client that stops proves only that it used a kept reply. A client that does not wait read
        // it at once. A reply that is read late is read when the server answers inside TLS.
        let says = matches!(difference, Difference::Says { .. });
        let late = answered && says && !evidence.run.iter().any(|events| is_ahead(events));
        let flaw = if late { Flaw::ReadsBufferLate } else { Flaw::KeepsBuffer };
        (Property::NoClearBytesUsedInsideTls, Some(flaw))
    } else if question.likely.contains(&Flaw::KeepsCapabilities) {
        (Property::ClearKnowledgeForgotten, Some(Flaw::KeepsCapabilities))
    } else {
        // A client learns names of mechanisms only from the list.
        let of_a_list = difference.is_about_mechanism()
            && !question.likely.contains(&Flaw::KeepsClearChallenge);
        (Property::ClearKnowledgeForgotten, of_a_list.then_some(Flaw::KeepsCapabilities))
    };
    Some(Carryover { property, flaw, difference })
}

/// Whether the server's first message in clear refuses service, and the client could have kept no other
/// reply. A client that reads this message only inside TLS gives up there because of it, which is a
/// normal reaction to a refusal.
fn is_refused(run: &[Vec<Event>]) -> bool {
    let mut run = run.to_vec();
    let mut refused = false;
    for events in &mut run {
        if let Some(Event::Said { segment, layer: Layer::Clear, answers: None }) =
            events.first_mut()
            && let Some(&Piece::Whole(first)) = segment.pieces().first()
        {
            refused |= matches!(first, Reply::Refuse | Reply::Redirect | Reply::Unknown);
            let all_whole = segment.pieces().iter().all(|piece| matches!(piece, Piece::Whole(_)));
            if all_whole {
                *segment = Segment::one(first);
            }
        }
    }
    let all: Vec<&Event> = run.iter().flatten().collect();
    refused && !has_surplus(&run) && left_open(&all).is_none()
}

/// Whether the server sent a reply inside TLS: only that completes a line or a reply left open in
/// clear.
const fn is_said_inside(event: &Event) -> bool {
    matches!(event, Event::Said { layer: Layer::Tls, .. })
}

/// Whether the client sent more than one command inside TLS without an answer. Lines that the server
/// does not know may be data and are not counted.
fn is_ahead(events: &[Event]) -> bool {
    let mut unanswered = 0_usize;
    events.iter().any(|event| match event {
        Event::Heard(Command::Goodbye | Command::Noop, _) => false,
        Event::Heard(_, Layer::Tls) => {
            unanswered += 1;
            unanswered > 1
        }
        Event::Said { layer: Layer::Tls, .. } => {
            unanswered = 0;
            false
        }
        _ => false,
    })
}

/// The flaw of a client that keeps an incomplete line, or an incomplete multi-line reply, from the
/// clear text; `None` if nothing was incomplete.
fn left_open(events: &[&Event]) -> Option<Flaw> {
    let clear = events.iter().filter_map(|event| match event {
        Event::Said { segment, layer: Layer::Clear, .. } => Some(segment),
        _ => None,
    });
    clear.flat_map(|segment| segment.pieces()).find_map(|piece| match piece {
        Piece::Whole(_) => None,
        Piece::Line(_) => Some(Flaw::KeepsFragment),
        Piece::Block(_) => Some(Flaw::KeepsOpenReply),
    })
}

/// Whether the server sent more replies in clear than the client had asked for.
pub(super) fn has_surplus(run: &[Vec<Event>]) -> bool {
    run.iter().any(|events| {
        let mut greeted = false;
        events.iter().any(|event| match event {
            Event::Said { segment, layer: Layer::Clear, answers } => {
                let unasked = answers.is_none() && std::mem::replace(&mut greeted, true);
                unasked || segment.pieces().len() > 1
            }
            Event::Heard(Command::Upgrade, Layer::Clear) => {
                greeted = true;
                false
            }
            _ => false,
        })
    })
}
