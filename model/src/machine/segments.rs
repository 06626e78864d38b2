//! The segments that a party can receive, and which of them it cannot distinguish.

use std::hash::Hash;

use arrayvec::ArrayVec;
use rustc_hash::FxHashMap;

use crate::message::{Bounds, Fragments, Piece, Segment};

/// All segments over an alphabet, within bounds.
pub(super) struct Segments<M> {
    pub(super) alphabet: Vec<M>,
    fragments: Fragments,
    bounds: Bounds,
}

/// Beginnings of segments that a party cannot distinguish: after each of them it is in the same state,
/// has made the same outputs, and knows that more pieces follow.
struct Head<M, S, O> {
    /// The first of them.
    pieces: Vec<Piece<M>>,
    /// The number of these beginnings.
    members: u32,
    /// The state in the middle of reading.
    state: S,
    /// The outputs so far.
    outputs: O,
}

impl<M: Copy> Segments<M> {
    pub(super) const fn new(alphabet: Vec<M>, fragments: Fragments, bounds: Bounds) -> Self {
        Self { alphabet, fragments, bounds }
    }

    /// Passes on the segments in the order of [`Segment::all`]: one for each group with
    /// indistinguishable beginnings and the same end, with the size of the group.
    ///
    /// `read` reads one piece and knows whether more pieces follow. If it returns `None`, `step` gets
    /// each segment as a whole.
    pub(super) fn classes<S, T, const N: usize>(
        &self,
        state: &S,
        read: impl Fn(&S, Piece<M>, bool) -> Option<(S, ArrayVec<T, N>)>,
        step: impl Fn(&S, &Segment<M>) -> (S, ArrayVec<T, N>),
        mut give: impl FnMut(Segment<M>, u32, (S, ArrayVec<T, N>)),
    ) where
        S: Clone + Eq + Hash,
        T: Copy + Eq + Hash,
    {
        let readable = self
            .alphabet
            .first()
            .is_some_and(|&message| read(state, Piece::Whole(message), false).is_some());
        if !readable {
            for segment in Segment::all(&self.alphabet, self.fragments, self.bounds) {
                let next = step(state, &segment);
                give(segment, 1, next);
            }
            return;
        }
        let mut heads = vec![Head {
            pieces: Vec::new(),
            members: 1,
            state: state.clone(),
            outputs: ArrayVec::new(),
        }];
        let longest = self.bounds.messages;
        for length in 1..=longest {
            let mut longer: Vec<Head<M, S, ArrayVec<T, N>>> = Vec::new();
            let mut known: FxHashMap<(S, ArrayVec<T, N>), usize> = FxHashMap::default();
            for head in &heads {
                let with = |piece, more| {
                    let (state, more) = read(&head.state, piece, more)?;
                    let mut outputs = head.outputs.clone();
                    for output in more {
                        let _ = outputs.try_push(output);
                    }
                    Some((state, outputs))
                };
                for &message in &self.alphabet {
                    for piece in self.fragments.pieces(message) {
                        let mut pieces = head.pieces.clone();
                        pieces.push(piece);
                        if let Some(next) = with(piece, false) {
                            give(Segment::new(&pieces), head.members, next);
                        }
                        if length == longest || piece.is_fragment() {
                            continue;
                        }
                        let Some(next) = with(piece, true) else { continue };
                        let index = *known.entry(next.clone()).or_insert_with(|| {
                            let (state, outputs) = next;
                            longer.push(Head { pieces, members: 0, state, outputs });
                            longer.len() - 1
                        });
                        longer[index].members += head.members;
                    }
                }
            }
            heads = longer;
        }
    }
}
