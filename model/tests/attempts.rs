//! Attempts to break the proof: clients that do harm in ways that a world could overlook.

#[path = "mutants/lab.rs"]
#[allow(dead_code, reason = "some parts serve the mutants only")]
mod lab;
#[path = "../examples/wrong_clients/mod.rs"]
#[allow(dead_code, unused_imports, reason = "some parts serve the example only")]
mod wrong_clients;

use upward_model::client::{
    Client, End, Input, Negotiator, Output, Outputs, Peer, Step, Target, View,
};
use upward_model::message::{Command, Piece, Reply};
use upward_model::policy::Policy;
use upward_model::property::{Properties, Property as P};
use upward_model::protocol::{FTP, MANAGESIEVE, MANUAL, Protocol};
use upward_model::walk::{Extent, walk};
use upward_model::world::World;

use self::lab::{ACTIVE, ByMark, ByWait, REQUIRED, Script, Scripted, Twisted};
use self::wrong_clients::{Wait, give_up, negotiate, send_data, start, step};

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

/// Gives up its first session because of a leftover, keeps the connection, and lets the leftover choose
/// what it does in the second.
struct KeepsPoisonedConnection;

impl Client for KeepsPoisonedConnection {
    /// What it waits for, whether something was left over, and the session.
    type State = (Wait, bool, u8);

    fn start(&self) -> Step<Self::State> {
        let step = start();
        Step { state: (step.state, false, 0), outputs: step.outputs }
    }

    fn step(&self, state: &Self::State, input: &Input) -> Step<Self::State> {
        let (wait, left, session) = *state;
        let mut outputs = Outputs::new();
        let next = match (wait, input) {
            (Wait::GoAhead, Input::Segment(it)) => {
                let next = negotiate(wait, input);
                let left = session == 0 && it.pieces().len() > 1 && next.state == Wait::Handshake;
                outputs = next.outputs;
                (next.state, left, session)
            }
            (Wait::Handshake, Input::Handshake(Peer::Genuine)) if left && session == 0 => {
                // The first session fails; the second one begins on the same connection.
                outputs.extend([Output::Tell, Output::End(End::Refused)]);
                outputs.extend([Output::Send(Command::Deliver)]);
                (Wait::Thanks, true, 1)
            }
            (Wait::Handshake, Input::Handshake(Peer::Genuine)) => {
                outputs.push(Output::Send(Command::Deliver));
                (Wait::Thanks, left, session)
            }
            (Wait::Thanks, Input::Segment(it)) if it.pieces() == [Piece::Whole(Reply::Done)] => {
                if left {
                    // The leftover makes it send something that a clean client would not.
                    outputs.push(Output::Send(Command::Noop));
                    (Wait::Thanks, false, session)
                } else if session == 0 {
                    outputs.extend([Output::End(End::Delivered), Output::Send(Command::Deliver)]);
                    (Wait::Thanks, false, 1)
                } else {
                    outputs.extend([Output::End(End::Delivered), Output::Close]);
                    (Wait::Nothing, false, 1)
                }
            }
            (Wait::Nothing, _) => (Wait::Nothing, false, session),
            _ => {
                outputs.extend([Output::Tell, Output::End(End::Refused), Output::Close]);
                if session == 0 {
                    outputs.push(Output::Connect(Target::Upgrade));
                    (Wait::Connection, false, 1)
                } else {
                    (Wait::Nothing, false, 1)
                }
            }
        };
        if wait != Wait::GoAhead && matches!((wait, input), (Wait::Connection | Wait::Welcome, _)) {
            let step = negotiate(wait, input);
            if step.state != Wait::Nothing {
                return Step { state: (step.state, false, session), outputs: step.outputs };
            }
        }
        Step { state: next, outputs }
    }

    fn view(&self, state: &Self::State) -> View {
        state.0.view()
    }
}

#[test]
fn a_connection_that_outlives_its_session_is_still_compared() {
    let broken = broken(&MANUAL, KeepsPoisonedConnection, 2);
    assert!(broken.has(P::ClearKnowledgeForgotten), "{broken:?}");
}

/// Connects again after a refusal, and uses on that second connection what was left over in clear. It says
/// nothing when TLS begins: the server speaks first.
struct PoisonedAfterRefusal;

impl Client for PoisonedAfterRefusal {
    /// What it waits for, whether something was left over, and whether it has connected again.
    type State = (Wait, bool, bool);

    fn start(&self) -> Step<Self::State> {
        let step = start();
        Step { state: (step.state, false, false), outputs: step.outputs }
    }

    fn step(&self, state: &Self::State, input: &Input) -> Step<Self::State> {
        let (wait, left, again) = *state;
        let to = |wait, does: &[Output]| {
            let next = step(wait, does);
            Step { state: (next.state, left && again, again), outputs: next.outputs }
        };
        let whole = |input: &Input| match input {
            Input::Segment(it) => match it.pieces() {
                [Piece::Whole(reply), ..] => Some(*reply),
                _ => None,
            },
            _ => None,
        };
        match (wait, whole(input)) {
            (Wait::Connection, _) if *input == Input::Connected => to(Wait::Welcome, &[]),
            (Wait::Welcome, Some(Reply::Capabilities { .. })) => {
                to(Wait::GoAhead, &[Output::Send(Command::Upgrade)])
            }
            (Wait::GoAhead, Some(Reply::Refuse)) if !again => {
                let does = [Output::Close, Output::Connect(Target::Upgrade)];
                let step = step(Wait::Connection, &does);
                Step { state: (step.state, false, true), outputs: step.outputs }
            }
            (Wait::GoAhead, Some(Reply::Accept)) => {
                let more = matches!(input, Input::Segment(it) if it.pieces().len() > 1);
                let step = step(Wait::Handshake, &[Output::StartTls]);
                Step { state: (step.state, more && again, again), outputs: step.outputs }
            }
            (Wait::Handshake, _) if *input == Input::Handshake(Peer::Genuine) => {
                to(Wait::Thanks, &[])
            }
            (Wait::Thanks, Some(Reply::Capabilities { .. })) => {
                // What was left over chooses the mechanism.
                use upward_model::message::Mechanism;
                let mechanism = if left { Mechanism::Lure } else { Mechanism::Own };
                to(Wait::Thanks, &[Output::Send(Command::Login(mechanism))])
            }
            (Wait::Thanks, Some(Reply::LoggedIn)) => {
                to(Wait::Thanks, &[Output::Send(Command::Deliver)])
            }
            (Wait::Thanks, Some(Reply::Done)) => {
                to(Wait::Nothing, &[Output::End(End::Delivered), Output::Close])
            }
            (Wait::Nothing, _) => to(Wait::Nothing, &[]),
            _ => {
                let step = give_up();
                Step { state: (step.state, false, again), outputs: step.outputs }
            }
        }
    }

    fn view(&self, state: &Self::State) -> View {
        state.0.view()
    }
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
