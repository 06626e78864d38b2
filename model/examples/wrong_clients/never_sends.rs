//! A client that reports success and has not sent the data.

use upward_model::client::{Client, Input, Peer, Step, View};

use super::{Wait, negotiate, report_success, start};

/// The handshake with the right peer is all that it waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NeverSends;

impl Client for NeverSends {
    type State = Wait;

    fn start(&self) -> Step<Wait> {
        start()
    }

    fn step(&self, state: &Wait, input: &Input) -> Step<Wait> {
        match (state, input) {
            (Wait::Handshake, Input::Handshake(Peer::Genuine)) => report_success(),
            _ => negotiate(*state, input),
        }
    }

    fn view(&self, state: &Wait) -> View {
        state.view()
    }
}
