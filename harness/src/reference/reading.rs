//! Parses received bytes into messages for the steps of a client of the model. A message may be
//! incomplete: its beginning comes first, its end later.

use upward_model::client::{Client, Input, Outputs, Step};
use upward_model::message::{Piece, Reply, Segment};

use crate::codec::{ClientSide, Cut};

/// The bytes that a client has received and not used yet, and their parser.
pub(crate) struct Reading<'a, C: Client> {
    client: &'a C,
    pub(crate) words: Box<dyn ClientSide>,
    /// The bytes of a fragment that the client still holds.
    rest: Vec<u8>,
    /// The segment that ended with that fragment, if it was the last input, and the state before.
    open: Option<(C::State, Segment<Reply>)>,
}

/// A step, and the state before it. The state may have been corrected, since the meaning of an
/// incomplete message is a guess.
pub(crate) struct Taken<S> {
    pub(crate) from: S,
    pub(crate) step: Step<S>,
}

impl<'a, C: Client> Reading<'a, C> {
    pub(crate) fn new(client: &'a C, words: Box<dyn ClientSide>) -> Self {
        Self { client, words, rest: Vec::new(), open: None }
    }

    /// Starts again on a new connection.
    pub(crate) fn begin(&mut self, words: Box<dyn ClientSide>) {
        self.words = words;
        self.rest.clear();
    }

    /// Parses received bytes, after the bytes that the client still holds.
    ///
    /// The held bytes are already in the client's state, as an incomplete message that the next message
    /// completes.
    pub(crate) fn cut(&mut self, bytes: &[u8]) -> Cut {
        let mut all = std::mem::take(&mut self.rest);
        all.extend_from_slice(bytes);
        let cut = self.words.cut(&all);
        self.rest.clone_from(&cut.rest);
        cut
    }

    /// How many bytes are held.
    pub(crate) const fn held(&self) -> usize {
        self.rest.len()
    }

    /// Takes a step. The meaning of an incomplete message is a guess until it is complete; if the next
    /// input completes it, the guess is corrected first.
    pub(crate) fn step(&mut self, state: &C::State, input: Input) -> Taken<C::State> {
        let mut state = state.clone();
        if let (Some((before, segment)), Input::Segment(next)) = (self.open.take(), &input)
            && let Some(&known) = next.pieces().first()
        {
            let corrected = with_head(&segment, known.message());
            let step = self.client.step(&before, &Input::Segment(corrected));
            if let ([piece], true) = (next.pieces(), self.client.holds_fragment(&step.state))
                && piece.is_fragment()
            {
                self.open = Some((before.clone(), segment));
                let step = Step { state: step.state, outputs: Outputs::new() };
                return Taken { from: before, step };
            }
            state = step.state;
        }
        let step = self.client.step(&state, &input);
        if !self.client.holds_fragment(&step.state) {
            self.rest.clear();
        } else if let Input::Segment(segment) = input {
            self.open = Some((state.clone(), segment));
        }
        Taken { from: state, step }
    }
}

/// The segment, with this message as the beginning of its incomplete last message.
fn with_head(segment: &Segment<Reply>, message: Reply) -> Segment<Reply> {
    let pieces: Vec<Piece<Reply>> = segment
        .pieces()
        .iter()
        .map(|piece| match piece {
            Piece::Whole(_) => *piece,
            Piece::Line(_) => Piece::Line(message),
            Piece::Block(_) => Piece::Block(message),
        })
        .collect();
    Segment::new(&pieces)
}
