//! Every state once, exactly, with the one that led to it.
//!
//! A search that keeps hashes in place of states can lose some without anyone noticing; a proof must
//! not. States therefore lie in one vector in the order in which they were found, which is also the
//! queue of a search breadth first, and a table of indices says whether a state is among them. Each
//! is kept once; what it costs beyond that is an index of four bytes, and one or two slots of four.

mod table;

use std::hash::{BuildHasher, Hash};

use rustc_hash::FxBuildHasher;

use self::table::Table;

/// Distinct states in the order in which they were found.
#[derive(Clone, Debug)]
pub struct Store<S> {
    states: Vec<S>,
    parents: Vec<u32>,
    table: Table,
    limit: usize,
}

/// What became of a state that was to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// It is new, and was kept.
    New,
    /// It was there.
    Known,
    /// It is new, and there is no room for it.
    Full,
}

impl<S: Eq + Hash> Store<S> {
    /// A store that begins with a state and takes at most that many, the first in any case.
    pub fn new(first: S, limit: usize) -> Self {
        let limit = limit.clamp(1, Table::MOST);
        let mut store =
            Self { states: Vec::new(), parents: Vec::new(), table: Table::new(), limit };
        store.insert(first, 0);
        store
    }

    /// Keeps a state that the one at an index led to, unless it is there.
    pub fn insert(&mut self, state: S, parent: usize) -> Entry {
        let states = &self.states;
        let hash = hash(&state);
        let Err(vacant) = self.table.find(hash, |index| states[index] == state) else {
            return Entry::Known;
        };
        if states.len() >= self.limit {
            return Entry::Full;
        }
        self.table.fill(vacant, hash, states.len());
        push(&mut self.states, state);
        // Indices are below the limit, and that fits.
        push(&mut self.parents, parent as u32);
        if self.states.len() < self.limit && self.table.is_full(self.states.len()) {
            self.table.grow(self.states.iter().map(self::hash));
        }
        Entry::New
    }
}

impl<S> Store<S> {
    /// How many states it keeps.
    pub const fn len(&self) -> usize {
        self.states.len()
    }

    /// Whether it keeps none, which is never so.
    pub const fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    /// The state that was found at a place in the order, counted from 0.
    pub fn get(&self, index: usize) -> Option<&S> {
        self.states.get(index)
    }

    /// The way from the first state to the one at an index, both included.
    pub fn way(&self, index: usize) -> Vec<&S> {
        let mut way = Vec::new();
        let mut next = Some(index);
        while let Some(index) = next {
            way.extend(self.get(index));
            let parent = self.parents.get(index).map(|&parent| parent as usize);
            // Who led to a state was there before it; the first has nobody.
            next = parent.filter(|&parent| parent < index);
        }
        way.reverse();
        way
    }

    /// How much memory it holds, the room that it keeps to grow included.
    pub fn bytes(&self) -> usize {
        self.states.capacity() * size_of::<S>()
            + self.parents.capacity() * size_of::<u32>()
            + self.table.bytes()
    }
}

fn hash(state: &impl Hash) -> u64 {
    FxBuildHasher.hash_one(state)
}

/// Grows by an eighth: doubling would leave half of the store empty.
fn push<T>(vector: &mut Vec<T>, value: T) {
    if vector.len() == vector.capacity() {
        vector.reserve_exact((vector.len() / 8).max(64));
    }
    vector.push(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_each_state_once_and_the_way_to_it() {
        let mut store = Store::new('a', 10);
        assert_eq!(store.insert('b', 0), Entry::New);
        assert_eq!(store.insert('c', 1), Entry::New);
        assert_eq!(store.insert('c', 0), Entry::Known);
        assert_eq!(store.insert('a', 2), Entry::Known);
        assert_eq!((store.len(), store.get(2), store.get(3)), (3, Some(&'c'), None));
        assert_eq!(store.way(2), [&'a', &'b', &'c']);
    }

    #[test]
    fn says_when_it_is_full() {
        let mut store = Store::new('a', 0);
        assert_eq!(store.insert('a', 0), Entry::Known);
        assert_eq!(store.insert('b', 0), Entry::Full);
        assert_eq!(store.len(), 1);
    }

    #[test]
    fn agrees_with_a_set_while_it_grows() {
        let mut store = Store::new(0_u64, usize::MAX);
        let mut set = std::collections::HashSet::from([0]);
        for number in 0..20_000_u64 {
            let state = number * number % 10_007;
            let expected = if set.insert(state) { Entry::New } else { Entry::Known };
            assert_eq!(store.insert(state, 0), expected);
        }
        assert_eq!(store.len(), set.len());
    }

    /// Equality decides, not the hash.
    #[test]
    fn tells_states_of_one_hash_apart() {
        #[derive(Debug, PartialEq, Eq)]
        struct Same(u32);
        impl Hash for Same {
            fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
        }
        let mut store = Store::new(Same(0), 100);
        for number in 1..100 {
            assert_eq!(store.insert(Same(number), 0), Entry::New);
        }
        assert_eq!(store.insert(Same(99), 0), Entry::Known);
    }
}
