//! Following sets of clients gives the same result as following each client by itself.

use proptest::prelude::*;

use super::clients::Clients;
use super::{Event, Explanation, Habits, Run, explain, explain_by};
use crate::client::{Client, Close, Input, Negotiator, Output, Outputs, Peer, View};
use crate::flaw::{Flaw, Flaws, Side};
use crate::message::{Bounds, CAPACITY, Layer, Piece, Segment};
use crate::policy::Policy;
use crate::protocol::{PROTOCOLS, Protocol};
use crate::variant::Variant;

/// Inputs of a client: each index selects one of the inputs that are possible in its state.
fn inputs() -> impl Strategy<Value = Vec<prop::sample::Index>> {
    prop::collection::vec(any::<prop::sample::Index>(), 1..12)
}

/// The run of a client with these inputs.
fn run_of(client: &Negotiator, protocol: &Protocol, inputs: &[prop::sample::Index]) -> Run {
    let mut run = vec![Vec::new()];
    let mut step = client.start();
    step = client.step(&step.state, &Input::Connected);
    record(&mut run, &step.outputs, step.state.layer());
    for index in inputs {
        let mut layer = step.state.layer();
        let (event, input) = match client.view(&step.state) {
            View::Ended => break,
            View::Channel => {
                let peers = Peer::ALL.map(|peer| (Event::Channel(peer), Input::Channel(peer)));
                let failed = (Event::ChannelFailed, Input::ChannelFailed);
                index.get(&[peers.to_vec(), vec![failed]].concat()).clone()
            }
            View::Handshaking => {
                let peers = Peer::ALL.map(|peer| (Event::Handshake(peer), Input::Handshake(peer)));
                let failed = (Event::HandshakeFailed, Input::HandshakeFailed);
                let genuine = (Event::Handshake(Peer::Genuine), Input::Handshake(Peer::Genuine));
                let honest = vec![genuine; 6];
                index.get(&[honest, peers.to_vec(), vec![failed]].concat()).clone()
            }
            View::Open(_) => {
                let replies = protocol.replies();
                let mut all: Vec<(Event, Input)> = Vec::new();
                for &reply in &replies {
                    let other = replies[index.index(replies.len())];
                    for segment in [
                        Segment::one(reply),
                        Segment::whole([reply, other]),
                        Segment::new(&[Piece::Whole(reply), Piece::Line(other)]),
                    ] {
                        let said = Event::Said { segment: segment.clone(), layer, answers: None };
                        all.push((said, Input::Segment(segment)));
                    }
                }
                let close = Close::Orderly;
                all.push((Event::Closed(close), Input::Closed(close)));
                index.get(&all).clone()
            }
        };
        if matches!(event, Event::Handshake(_)) {
            layer = Layer::Tls;
        }
        if let Some(events) = run.last_mut() {
            events.push(event);
        }
        step = client.step(&step.state, &input);
        if record(&mut run, &step.outputs, layer) {
            step = client.step(&step.state, &Input::Connected);
            record(&mut run, &step.outputs, Layer::Clear);
        }
    }
    run
}

/// Records the outputs of a client; returns whether it opened another connection.
fn record(run: &mut Run, outputs: &Outputs, layer: Layer) -> bool {
    let mut connects = false;
    for &output in outputs {
        let event = match output {
            Output::Connect(_) => {
                run.push(Vec::new());
                connects = true;
                None
            }
            Output::Send(command) => Some(Event::Heard(command, layer)),
            Output::StartTls => Some(Event::ClientHello),
            Output::OpenChannel(layer) => Some(Event::ChannelOpened(layer)),
            Output::MoveData => Some(Event::DataMoved),
            _ => None,
        };
        if let (Some(event), Some(events)) = (event, run.last_mut()) {
            events.push(event);
        }
    }
    connects
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn sets_explain_what_each_client_explains(
        protocol in prop::sample::select(PROTOCOLS.to_vec()),
        policies in prop::collection::vec(prop::sample::select(Policy::ALL.to_vec()), 1..3),
        variant in prop::sample::select(Variant::all()),
        flaw in prop::option::of(prop::sample::select(Flaw::of(Side::Client).collect::<Vec<_>>())),
        inputs in inputs(),
        left_out in prop::option::of(any::<prop::sample::Index>()),
        logs_in in any::<bool>(),
    ) {
        let client = Negotiator {
            protocol,
            sessions: policies.clone(),
            variant,
            flaws: flaw.map_or(Flaws::NONE, Flaws::from),
            bounds: Bounds { messages: CAPACITY },
            ..Negotiator::sound(protocol, Policy::Required)
        };
        let mut run = run_of(&client, protocol, &inputs);
        // A run with a gap may not be the run of any client.
        if let Some(left_out) = left_out
            && let Some(events) = run.first_mut()
            && !events.is_empty()
        {
            events.remove(left_out.index(events.len()));
        }
        let habits = Habits { logs_in, ..Habits::default() };
        let by_sets = explain(protocol, &policies, habits, &run);
        let one_by_one = explain_by(protocol, &policies, habits, &run, &Clients::one_by_one);
        match (&by_sets, &one_by_one) {
            (Explanation::Sound(by_sets), Explanation::Sound(_)) => {
                // The named client explains the run.
                let only = |clients: Clients| clients.only(*by_sets);
                let named = explain_by(protocol, &policies, habits, &run, &only);
                prop_assert!(matches!(named, Explanation::Sound(_)), "{:?}", run);
            }
            _ => prop_assert_eq!(by_sets, one_by_one, "{:?}", run),
        }
    }
}
