//! Clients made at random: a handful of states, and for each a table of steps.

use std::hash::{Hash, Hasher};

use rustc_hash::FxHasher;
use upward_model::client::{Client, End, Input, Output, Outputs, Peer, Step, Target, View};
use upward_model::message::{Command, Layer};
use upward_model::protocol::{Channel, Protocol};

/// A source of numbers that is the same on every machine.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `sides`.
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) >> 33).unwrap_or_default() % sides
    }
}

/// A client whose steps are drawn at random.
#[derive(Clone, Debug)]
pub(crate) struct RandomClient {
    seed: u64,
    sessions: u8,
    commands: Vec<Command>,
    second_channel: bool,
}

/// All that it remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Memory {
    session: u8,
    place: Place,
    /// Which of a few states with the same place it is.
    number: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Place {
    Clear,
    Handshake,
    Inside,
    Channel,
    Ended,
}

/// The states of each place.
const STATES: usize = 3;

/// The kinds of segments that a state tells apart.
const KINDS: u64 = 4;

impl RandomClient {
    pub(crate) fn new(seed: u64, protocol: &Protocol, sessions: usize) -> Self {
        Self {
            seed,
            sessions: u8::try_from(sessions).unwrap_or(1),
            commands: protocol.commands(),
            second_channel: protocol.channel == Channel::Second,
        }
    }

    /// What a state makes of an input: one number for all inputs that it cannot tell apart. Segments
    /// share numbers with other inputs.
    fn kind(&self, input: &Input) -> u64 {
        let mut hasher = FxHasher::default();
        (self.seed, input).hash(&mut hasher);
        match input {
            Input::Handshake(Peer::Genuine) => 0,
            _ => (hasher.finish() >> 20) % KINDS,
        }
    }

    fn dice(&self, state: &Memory, kind: u64) -> Dice {
        let mut hasher = FxHasher::default();
        (self.seed, state, kind).hash(&mut hasher);
        Dice::new(hasher.finish())
    }
}

impl Client for RandomClient {
    type State = Memory;

    fn start(&self) -> Step<Memory> {
        let state = Memory { session: 0, place: Place::Clear, number: 0 };
        let mut outputs = Outputs::new();
        outputs.push(Output::Connect(Target::Upgrade));
        Step { state, outputs }
    }

    fn step(&self, state: &Memory, input: &Input) -> Step<Memory> {
        let mut step = Step { state: *state, outputs: Outputs::new() };
        if state.place == Place::Ended {
            return step;
        }
        let mut dice = self.dice(state, self.kind(input));
        step.state.number = u8::try_from(dice.roll(STATES)).unwrap_or_default();
        let command = self.commands[dice.roll(self.commands.len())];
        match (state.place, input) {
            (_, Input::Deadline | Input::Closed(_)) => self.end(&mut step, dice.roll(5)),
            (Place::Clear, Input::Connected) => step.outputs.push(Output::Send(Command::Hello)),
            (Place::Clear, Input::Segment(_)) => match dice.roll(8) {
                0..3 => {
                    step.outputs.extend([Output::Send(Command::Upgrade), Output::StartTls]);
                    step.state.place = Place::Handshake;
                }
                3 => {
                    step.outputs.push(Output::StartTls);
                    step.state.place = Place::Handshake;
                }
                4 => step.outputs.push(Output::Send(command)),
                5 => step.outputs.push(Output::Send(Command::Upgrade)),
                6 => {}
                _ => self.end(&mut step, dice.roll(5)),
            },
            // Clear text and a certificate may do the same.
            (Place::Handshake, _) => match dice.roll(4) {
                0..3 => {
                    step.outputs.push(Output::Send(Command::Deliver));
                    step.state.place = Place::Inside;
                }
                _ => self.end(&mut step, dice.roll(5)),
            },
            (Place::Inside, _) => match dice.roll(6) {
                0 => step.outputs.push(Output::Send(command)),
                1 => {}
                2 if self.second_channel => {
                    step.outputs.push(Output::OpenChannel(Layer::Tls));
                    step.state.place = Place::Channel;
                }
                _ => self.end(&mut step, dice.roll(5)),
            },
            (Place::Channel, _) => {
                step.outputs.push(Output::MoveData);
                step.state.place = Place::Inside;
            }
            _ => self.end(&mut step, dice.roll(5)),
        }
        step
    }

    fn view(&self, state: &Memory) -> View {
        match state.place {
            Place::Clear => View::Open(Layer::Clear),
            Place::Handshake => View::Handshaking,
            Place::Inside => View::Open(Layer::Tls),
            Place::Channel => View::Channel,
            Place::Ended => View::Ended,
        }
    }
}

impl RandomClient {
    /// Ends the session, one way or another; the next one begins on a connection of its own.
    fn end(&self, step: &mut Step<Memory>, how: usize) {
        step.outputs.extend(
            match how {
                0 | 1 => [Output::Tell, Output::End(End::Refused)].as_slice(),
                2 => [Output::End(End::Refused)].as_slice(),
                _ => [Output::End(End::Delivered)].as_slice(),
            }
            .iter()
            .copied(),
        );
        step.outputs.push(Output::Close);
        step.state.session += 1;
        if step.state.session < self.sessions {
            step.outputs.push(Output::Connect(Target::Upgrade));
            step.state.place = Place::Clear;
        } else {
            step.state = Memory { session: step.state.session, place: Place::Ended, number: 0 };
        }
    }
}
