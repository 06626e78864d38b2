//! A play as recorded by its peer.

use super::Play;
use crate::client::Output;
use crate::explain::{Event, Run};
use crate::message::Layer;
use crate::world::{Action, Transition, Wire};

impl Play {
    /// The play as recorded by a peer, connection by connection.
    pub fn lifted(&self) -> Run {
        let mut run = vec![Vec::new()];
        record(&mut run, &self.opening, Layer::Clear);
        for step in &self.steps {
            let layer = match step.before.wire() {
                Wire::Secure | Wire::False(_) => Layer::Tls,
                Wire::Down | Wire::Clear | Wire::Handshake => Layer::Clear,
            };
            let event = match &step.action {
                Action::ToClient(segment) => {
                    Some(Event::Said { segment: segment.clone(), layer, answers: None })
                }
                Action::Handshake(peer) => Some(Event::Handshake(*peer)),
                Action::FailHandshake => Some(Event::HandshakeFailed),
                Action::EndTls => Some(Event::TlsEnded),
                Action::Close(close) => Some(Event::Closed(*close)),
                Action::Channel(peer) => Some(Event::Channel(*peer)),
                Action::FailChannel => Some(Event::ChannelFailed),
                Action::ToServer(_)
                | Action::NameOtherHost
                | Action::Redial(_)
                | Action::Deadline => None,
            };
            if let (Some(event), Some(events)) = (event, run.last_mut()) {
                events.push(event);
            }
            let acted_in = match &step.action {
                Action::Handshake(_) => Layer::Tls,
                Action::EndTls | Action::FailHandshake => Layer::Clear,
                _ => layer,
            };
            record(&mut run, &step.transition, acted_in);
        }
        run
    }
}

/// Records the client's outputs in a transition, and the layer in which they began.
fn record(run: &mut Run, transition: &Transition, began: Layer) {
    let leaves = transition.client.iter().any(|output| matches!(output, Output::Connect(_)));
    let mut layer = match transition.state.wire() {
        // Its last messages, on a connection that is closed now.
        _ if leaves => began,
        Wire::Down => began,
        Wire::Secure | Wire::False(_) => Layer::Tls,
        Wire::Clear | Wire::Handshake => Layer::Clear,
    };
    for &output in &transition.client {
        let event = match output {
            Output::Connect(_) => {
                // Every connection except the first begins a new record.
                if run.len() > 1 || run.iter().any(|events| !events.is_empty()) {
                    run.push(Vec::new());
                }
                layer = Layer::Clear;
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
}
