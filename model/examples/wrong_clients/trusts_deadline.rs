//! A client that reports success when its deadline has passed.

use upward_model::client::{Client, Input, Peer, Step, View};

use super::{Wait, negotiate, report_success, send_data, start};

/// Once the data are sent, no answer is a good answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TrustsDeadline;

impl Client for TrustsDeadline {
    type State = Wait;

    fn start(&self) -> Step<Wait> {
        start()
    }

    fn step(&self, state: &Wait, input: &Input) -> Step<Wait> {
        match (state, input) {
            (Wait::Handshake, Input::Handshake(Peer::Genuine)) => send_data(),
            (Wait::Thanks, Input::Deadline) => report_success(),
            _ => negotiate(*state, input),
        }
    }

    fn view(&self, state: &Wait) -> View {
        state.view()
    }
}
