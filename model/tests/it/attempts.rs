//! Attempts to break the proof: clients that do harm in ways that a world could overlook.

use upward_model::client::{
    Client, End, Input, Negotiator, Output, Outputs, Peer, Step, Target, View,
};
use upward_model::message::{Command, Piece, Reply};
use upward_model::policy::Policy;
use upward_model::property::{Properties, Property as P};
use upward_model::protocol::{FTP, MANAGESIEVE, MANUAL, Protocol};
use upward_model::walk::{Extent, walk};
use upward_model::world::World;

use crate::lab::{ACTIVE, ByMark, ByWait, REQUIRED, Script, Scripted, Twisted};
use crate::poisoned::{KeepsPoisonedConnection, PoisonedAfterRefusal};
use crate::wrong_clients::{Wait, give_up, negotiate, send_data, start, step};

/// Whether the walk of a client proves anything at all.
fn proves<C: Client>(client: C) -> bool {
    let world = World::new(&MANUAL, client, REQUIRED.to_vec(), ACTIVE);
    walk(&world, None).extent == Extent::Exhaustive
}

fn broken<C: Client>(protocol: &'static Protocol, client: C, sessions: usize) -> Properties {
    let sessions = vec![Policy::Required; sessions];
    walk(&World::new(protocol, client, sessions, ACTIVE), None).broken
}

fn hand(script: fn(Wait, &Input) -> Step<Wait>) -> Properties {
    broken(&MANUAL, Scripted { start: start(), step: ByWait(script) }, REQUIRED.len())
}

/// A client that reports its failure and sends its data afterwards, in clear.
struct LeaksAfterTheEnd;

impl Client for LeaksAfterTheEnd {
    type State = (Wait, bool);

    fn start(&self) -> Step<Self::State> {
        let step = start();
        Step { state: (step.state, false), outputs: step.outputs }
    }

    fn step(&self, state: &Self::State, input: &Input) -> Step<Self::State> {
        let (wait, reported) = *state;
        let next = match (wait, input) {
            (Wait::GoAhead, Input::Segment(it)) if it.pieces() == [Piece::Whole(Reply::Refuse)] => {
                let outputs = [Output::Tell, Output::End(End::Refused)].into_iter().collect();
                return Step { state: (Wait::GoAhead, true), outputs };
            }
            (Wait::GoAhead, Input::Segment(_)) if reported => {
                step(Wait::Nothing, &[Output::Send(Command::Deliver), Output::Close])
            }
            (_, _) if reported => step(Wait::Nothing, &[Output::Close]),
            (Wait::Handshake, Input::Handshake(Peer::Genuine)) => send_data(),
            _ => negotiate(wait, input),
        };
        Step { state: (next.state, false), outputs: next.outputs }
    }

    fn view(&self, state: &Self::State) -> View {
        state.0.view()
    }
}

#[test]
fn a_client_that_lives_on_after_its_last_session_is_not_proved() {
    assert!(!proves(LeaksAfterTheEnd));
}

/// The data go over the second channel although its handshake failed.
#[test]
fn a_failed_channel_may_still_be_a_connection_in_clear() {
    let client = Twisted {
        inner: Negotiator::sound(&FTP, Policy::Required),
        input: |input| match input {
            Input::ChannelFailed => Input::Channel(Peer::Genuine),
            _ => input.clone(),
        },
        output: |output| vec![output],
    };
    let broken = broken(&FTP, client, 1);
    assert!(broken.has(P::NoClearSecondChannel), "{broken:?}");
}

#[test]
fn a_connection_that_outlives_its_session_is_still_compared() {
    let broken = broken(&MANUAL, KeepsPoisonedConnection, 2);
    assert!(broken.has(P::ClearKnowledgeForgotten), "{broken:?}");
}

#[test]
fn a_connection_that_no_honest_network_leads_to_is_compared_as_well() {
    let broken = broken(&MANAGESIEVE, PoisonedAfterRefusal, 1);
    assert!(broken.has(P::ClearKnowledgeForgotten), "{broken:?}");
}

/// Sends the data again when they have been confirmed.
#[test]
fn the_data_are_delivered_once() {
    let broken = hand(|wait, input| match (wait, input) {
        (Wait::Handshake, Input::Handshake(Peer::Genuine)) => send_data(),
        (Wait::Thanks, Input::Segment(it)) if it.pieces() == [Piece::Whole(Reply::Done)] => step(
            Wait::Nothing,
            &[Output::Send(Command::Deliver), Output::End(End::Delivered), Output::Close],
        ),
        _ => negotiate(wait, input),
    });
    assert!(broken.has(P::OnlyDenialOfService), "{broken:?}");
}

/// A sound client that reads its leftovers in the step in which TLS begins, and then gives up.
#[test]
fn giving_up_after_the_first_command_is_giving_up() {
    let client = Scripted {
        start: Step { state: (Wait::Connection, false), outputs: start().outputs },
        step: ByMark(|wait, left, input| {
            let more = matches!(input, Input::Segment(it) if it.pieces().len() > 1);
            let mut next = match (wait, input) {
                (Wait::Handshake, Input::Handshake(Peer::Genuine)) => send_data(),
                _ => negotiate(wait, input),
            };
            if wait == Wait::Handshake && next.state == Wait::Thanks && left {
                next.outputs.extend(give_up().outputs);
                next.state = Wait::Nothing;
            }
            let left = wait == Wait::GoAhead && next.state == Wait::Handshake && more;
            Step { state: (next.state, left), outputs: next.outputs }
        }),
    };
    let broken = broken(&MANUAL, client, 1);
    assert!(!broken.has(P::ClearKnowledgeForgotten), "{broken:?}");
}

/// A sound client that connects again after a refusal is not accused.
#[test]
fn a_sound_client_may_connect_again_after_a_refusal() {
    let client = Scripted {
        start: Step { state: (Wait::Connection, false), outputs: start().outputs },
        step: ByMark(|wait, again, input| match (wait, input) {
            (Wait::GoAhead, Input::Segment(it))
                if !again && it.pieces() == [Piece::Whole(Reply::Refuse)] =>
            {
                let does = [Output::Close, Output::Connect(Target::Upgrade)];
                let next = step(Wait::Connection, &does);
                Step { state: (next.state, true), outputs: next.outputs }
            }
            _ => {
                let next = match (wait, input) {
                    (Wait::Handshake, Input::Handshake(Peer::Genuine)) => send_data(),
                    _ => negotiate(wait, input),
                };
                Step { state: (next.state, again), outputs: next.outputs }
            }
        }),
    };
    let broken = broken(&MANUAL, client, 1);
    assert!(!broken.has(P::ClearKnowledgeForgotten), "{broken:?}");
}

/// A client whose view is wrong after a leftover: it claims to wait for a second channel.
struct HidesBehindItsView;

impl Script<(Wait, bool)> for HidesBehindItsView {
    fn step(&self, state: &(Wait, bool), input: &Input) -> Step<(Wait, bool)> {
        let (wait, hides) = *state;
        match (wait, input) {
            (Wait::GoAhead, Input::Segment(it)) if it.pieces() == [Piece::Whole(Reply::Refuse)] => {
                Step { state: (Wait::GoAhead, true), outputs: Outputs::new() }
            }
            (_, Input::Segment(_)) if hides => {
                let next = step(Wait::Thanks, &[Output::Send(Command::Deliver)]);
                Step { state: (next.state, false), outputs: next.outputs }
            }
            _ => {
                let next = match (wait, input) {
                    (Wait::Handshake, Input::Handshake(Peer::Genuine)) => send_data(),
                    _ => negotiate(wait, input),
                };
                Step { state: (next.state, false), outputs: next.outputs }
            }
        }
    }

    fn view(&self, state: &(Wait, bool)) -> View {
        if state.1 { View::Channel } else { state.0.view() }
    }
}

#[test]
fn a_wrong_view_hides_nothing() {
    let start = Step { state: (Wait::Connection, false), outputs: start().outputs };
    assert!(!proves(Scripted { start, step: HidesBehindItsView }));
}
