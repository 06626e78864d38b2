//! A client that answers clear text as it answers a good certificate.

use upward_model::client::{Client, Input, Peer, Step, View};

use super::{Wait, negotiate, send_data, start};

/// While it handshakes, whatever comes in ends the handshake well: a callback for "data can be read"
/// that serves for both.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BelievesClearText;

impl Client for BelievesClearText {
    type State = Wait;

    fn start(&self) -> Step<Wait> {
        start()
    }

    fn step(&self, state: &Wait, input: &Input) -> Step<Wait> {
        match (state, input) {
            (Wait::Handshake, Input::Handshake(Peer::Genuine) | Input::Segment(_)) => send_data(),
            _ => negotiate(*state, input),
        }
    }

    fn view(&self, state: &Wait) -> View {
        state.view()
    }
}
