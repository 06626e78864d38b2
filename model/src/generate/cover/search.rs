//! Finds vectors for transitions that the plain ones do not take.
//!
//! The remaining transitions need a fragment that is completed later, or deviations at two points. The
//! search is breadth first: after each message that the common client has not received in that state,
//! it tries every message that the client has not received in the next state.

use std::collections::{BTreeSet, VecDeque};

use super::{Cover, transitions};
use crate::client::{self, Client, Input, Negotiator};
use crate::generate::candidate::{Build, Candidate, peer, saying, words};
use crate::generate::wording::{class_behind, piece_name, piece_text, quoted};
use crate::machine::{Link, StateId};
use crate::message::{Piece, Reply, Segment};
use crate::play::{Plan, Play, Played, play};
use crate::policy::Policy;
use crate::protocol::{Blocks, Protocol};
use crate::vector::{Certificate, Deviation, Do, Point, SegmentOf};
use crate::world::{Action, World};

impl Cover {
    /// Candidates for the remaining transitions, as far as clear text before TLS can cause them.
    pub(in crate::generate) fn search(
        &mut self,
        protocol: &Protocol,
        policy: Policy,
        world: &World<Negotiator>,
    ) -> Vec<Candidate> {
        let segments = Segment::all(&protocol.replies(), protocol.fragments, world.bounds);
        let mut met = BTreeSet::new();
        let mut found = Vec::new();
        let honest = play(world, &plan(protocol, &[]));
        let mut plans = VecDeque::from([(Vec::new(), honest)]);
        while let Some((deviations, played)) = plans.pop_front() {
            // Without a deviation there is no attack.
            if self.take(world, &played) && !deviations.is_empty() {
                let mut build = Build { protocol, policy, all: &mut found };
                push(&mut build, &deviations);
            }
            for place in places(&played, &deviations) {
                for segment in &segments {
                    let input = Input::Segment(segment.clone());
                    let taken = transitions(&self.least, world, place.state, input);
                    let Some(&first) = taken.first() else { continue };
                    let here = (place.at, place.action == Do::Append, first);
                    if met.contains(&here) {
                        continue;
                    }
                    let Some(said) = said(protocol, &place, segment) else { continue };
                    let mut longer = place.deviations.clone();
                    longer.push(said);
                    let played = play(world, &plan(protocol, &longer));
                    if is_faithful(world, &played, protocol) {
                        met.insert(here);
                        plans.push_back((longer, played));
                    }
                }
            }
        }
        found
    }
}

/// A place at which a play can deviate further.
struct Place {
    at: Point,
    /// [`Do::Replace`], or [`Do::Append`] in a segment of its own.
    action: Do,
    /// The client's state there.
    state: StateId,
    /// The deviations before it.
    deviations: Vec<Deviation>,
}

/// The places of a play after its last deviation: in place of a message at a later point, and after all
/// messages at the same point.
fn places(played: &Play, deviations: &[Deviation]) -> Vec<Place> {
    let last = deviations.last().map(|deviation| deviation.at);
    let place = |at, action, state| Place { at, action, state, deviations: deviations.to_vec() };
    let mut places = Vec::new();
    for at in [Point::Opening, Point::Capabilities, Point::Upgrade] {
        let said: Vec<&Played> = played
            .steps
            .iter()
            .filter(|step| step.at == Some(at) && matches!(step.action, Action::ToClient(_)))
            .collect();
        let (Some(first), Some(behind)) = (said.first(), said.last()) else { continue };
        let own = |said: &&Deviation| said.at == at && said.segment == Some(SegmentOf::Own);
        if last < Some(at) {
            places.push(place(at, Do::Replace, first.before.client));
        } else if last == Some(at) && said.len() == deviations.iter().filter(own).count() + 1 {
            places.push(place(at, Do::Append, behind.transition.state.client));
        }
    }
    places
}

fn said(protocol: &Protocol, place: &Place, segment: &Segment<Reply>) -> Option<Deviation> {
    let texts = segment.pieces().iter().map(|&piece| piece_text(protocol, piece));
    let text: String = texts.collect::<Option<_>>()?;
    let mut said = saying(place.at, place.action, text, segment.pieces().to_vec());
    if place.action == Do::Append {
        said.segment = Some(SegmentOf::Own);
    }
    Some(said)
}

/// Whether each fragment that the client holds is completed on the wire as in the model: a line by the
/// rest of the line, a block by its last line. On the wire, the bytes after a fragment are text: two
/// lines after half a line make more than one message.
fn is_faithful(world: &World<Negotiator>, played: &Play, protocol: &Protocol) -> bool {
    let mut head: Option<Piece<Reply>> = None;
    played.steps.iter().all(|step| {
        let Action::ToClient(segment) = &step.action else { return true };
        let pieces = segment.pieces();
        let completes = match (head, pieces.first()) {
            (Some(head), Some(&tail)) => completes(protocol, head, tail),
            _ => true,
        };
        let holds = |(state, _): &(client::State, Link)| world.client().holds_fragment(state);
        let held = world.with_client(step.transition.state.client, holds) == Some(true);
        let open = pieces.last().copied().filter(|piece| piece.is_fragment());
        head = match (head, pieces) {
            _ if !held => None,
            // It is not completed yet.
            (Some(head), [piece]) if piece.is_fragment() => Some(head),
            _ => open,
        };
        completes
    })
}

fn completes(protocol: &Protocol, head: Piece<Reply>, tail: Piece<Reply>) -> bool {
    let (Some(text), Some(rest)) = (piece_text(protocol, head), piece_text(protocol, tail)) else {
        return false;
    };
    let blocks = protocol.speech.blocks;
    match head {
        Piece::Block(_) => blocks.is_ended(&text, &rest),
        // Half a line of a list that ends with a dot leaves the whole list open.
        Piece::Whole(_) | Piece::Line(_) if blocks == Blocks::Dot && text.contains('\n') => {
            blocks.is_ended(&text, &rest)
        }
        Piece::Whole(_) | Piece::Line(_) => rest.lines().count() == 1,
    }
}

fn plan(protocol: &Protocol, deviations: &[Deviation]) -> Plan {
    Plan::from(&peer(protocol, Certificate::Genuine, deviations.to_vec()))
}

fn push(build: &mut Build<'_>, deviations: &[Deviation]) {
    let mut slug = Vec::new();
    let mut sentences = Vec::new();
    let mut at = None;
    let mut class = "NEG-REORDER";
    for deviation in deviations {
        let pieces: Vec<Piece<Reply>> = deviation.meaning.iter().map(|m| m.0).collect();
        let named: Vec<String> = pieces.iter().map(|&piece| piece_name(piece)).collect();
        let said = match pieces.last() {
            Some(&piece) => saying_half(deviation.text.as_deref().unwrap_or_default(), piece),
            None => String::new(),
        };
        if at != Some(deviation.at) {
            slug.push(deviation.at.name().to_owned());
        }
        let own = deviation.segment == Some(SegmentOf::Own);
        sentences.push(if own {
            format!("In a segment of its own follows {said}.")
        } else {
            format!("In place of {} the attacker says {said}.", words(deviation.at))
        });
        slug.push(format!("{}{}", if own { "apart-" } else { "" }, named.join("-and-")));
        at = Some(deviation.at);
        let open = pieces.iter().find(|piece| piece.is_fragment());
        if let Some(&piece) = open.or(pieces.last())
            && (class == "NEG-REORDER" || open.is_some())
        {
            class = class_behind(deviation.at, piece);
        }
    }
    let candidate = build.push(slug.join("-"), class, sentences.join(" "), deviations.to_vec());
    candidate.searched = true;
}

/// A text, with a description of its missing end.
fn saying_half(text: &str, last: Piece<Reply>) -> String {
    let said = quoted(text);
    match last {
        Piece::Whole(_) => format!("`{said}`"),
        Piece::Line(_) => format!("`{said}` without its line end"),
        Piece::Block(_) => format!("`{said}` without its last line"),
    }
}
