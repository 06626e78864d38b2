//! A store of distinct states, each with its predecessor.
//!
//! A search that keeps hashes instead of states can lose some without notice; a proof must not. So the
//! states are in one vector in the order in which they were found, which is also the queue of a
//! breadth-first search, and a table of indices is used to find known states. Each state is stored
//! once. The overhead is an index of four bytes, and one or two slots of four bytes.

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

/// The result of inserting a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// It is new, and was stored.
    New,
    /// It was stored before.
    Known,
    /// It is new, but the store is full.
    Full,
}

impl<S: Eq + Hash> Store<S> {
    /// A store with this first state, and room for at most `limit` states, but always for the first.
    pub fn new(first: S, limit: usize) -> Self {
        let limit = limit.clamp(1, Table::MOST);
        let mut store =
            Self { states: Vec::new(), parents: Vec::new(), table: Table::new(), limit };
        store.insert(first, 0);
        store
    }

    /// Inserts a state with its predecessor's index, unless it is stored already.
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
        // Indices are below the limit, so they fit.
        push(&mut self.parents, parent as u32);
        if self.states.len() < self.limit && self.table.is_full(self.states.len()) {
            self.table.grow(self.states.iter().map(self::hash));
        }
        Entry::New
    }
}

impl<S> Store<S> {
    /// The number of states.
    pub const fn len(&self) -> usize {
        self.states.len()
    }

    /// Whether it is empty, which is never so.
    pub const fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    /// The state at an index, in the order in which the states were found.
    pub fn get(&self, index: usize) -> Option<&S> {
        self.states.get(index)
    }

    /// The path from the first state to the one at an index, both included.
    pub fn way(&self, index: usize) -> Vec<&S> {
        let mut way = Vec::new();
        let mut next = Some(index);
        while let Some(index) = next {
            way.extend(self.get(index));
            let parent = self.parents.get(index).map(|&parent| parent as usize);
            // A predecessor has a smaller index; the first state has no predecessor.
            next = parent.filter(|&parent| parent < index);
        }
        way.reverse();
        way
    }

    /// Its size in memory, with the room reserved for growth.
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

    /// States are compared by equality, not by hash.
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
