//! A client that keeps the line behind the go-ahead, and reads it inside TLS.

use upward_model::client::{Client, Input, Outputs, Peer, Step, View};
use upward_model::message::{Piece, Reply, Segment};

use super::{Wait, negotiate, send_data, start};

/// It reads line by line from a buffer that it does not empty when TLS starts. It does not know in
/// which layer a line came: no real client does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeepsBuffer;

/// What it waits for, and the line that it has received and not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Memory {
    wait: Wait,
    line: Option<Reply>,
}

impl Client for KeepsBuffer {
    type State = Memory;

    fn start(&self) -> Step<Memory> {
        remember(start(), None)
    }

    fn step(&self, state: &Memory, input: &Input) -> Step<Memory> {
        match (state.wait, input) {
            (Wait::GoAhead, Input::Segment(segment)) => {
                let line = match segment.pieces() {
                    [Piece::Whole(Reply::Accept), Piece::Whole(line)] => Some(*line),
                    _ => None,
                };
                remember(negotiate(state.wait, input), line)
            }
            (Wait::Handshake, Input::Handshake(Peer::Genuine)) => {
                let sent = send_data();
                let Some(line) = state.line else { return remember(sent, None) };
                let read = negotiate(sent.state, &Input::Segment(Segment::one(line)));
                let mut outputs: Outputs = sent.outputs;
                outputs.extend(read.outputs);
                remember(Step { state: read.state, outputs }, None)
            }
            _ => remember(negotiate(state.wait, input), None),
        }
    }

    fn view(&self, state: &Memory) -> View {
        state.wait.view()
    }
}

fn remember(step: Step<Wait>, line: Option<Reply>) -> Step<Memory> {
    Step { state: Memory { wait: step.state, line }, outputs: step.outputs }
}
