//! A hash table of state indices: four bytes for each slot.
//!
//! A slot is 0, or the number of a state, counted from 1, together with bits of its hash that did not
//! choose the slot. Numbers are smaller than the table, so a slot in a table of 2^n slots has 32 - n
//! bits for the hash. A search therefore compares with a wrong state only once in a thousand times. A
//! general hash table keeps these bits in a separate array, which costs a further cache miss.

/// Open addressing, no removal, never more than three quarters full.
#[derive(Clone, Debug)]
pub(super) struct Table {
    slots: Vec<u32>,
    /// The table has two to the power of this many slots.
    bits: u32,
}

/// The free slot for a state that was not found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vacant(usize);

impl Table {
    /// The most states: as many as fit in a table of 2^31 slots.
    pub(super) const MOST: usize = 3 << 29;

    /// A small, empty table.
    pub(super) fn new() -> Self {
        Self::empty(6)
    }

    fn empty(bits: u32) -> Self {
        Self { slots: vec![0; 1 << bits], bits }
    }

    /// Whether it must grow before another state is added to this many.
    pub(super) const fn is_full(&self, states: usize) -> bool {
        states >= self.slots.len() / 4 * 3
    }

    /// Doubles its size; `hashes` are those of all states, in order.
    pub(super) fn grow(&mut self, hashes: impl Iterator<Item = u64>) {
        // Free the old slots first: both tables together would be the memory peak of a search.
        self.slots = Vec::new();
        *self = Self::empty(self.bits + 1);
        for (index, hash) in hashes.enumerate() {
            if let Err(vacant) = self.find(hash, |_| false) {
                self.fill(vacant, hash, index);
            }
        }
    }

    /// Searches for an equal state with this hash.
    pub(super) fn find(&self, hash: u64, same: impl Fn(usize) -> bool) -> Result<(), Vacant> {
        let last = self.slots.len() - 1;
        let tag = self.tag(hash);
        let mut place = hash as usize & last;
        loop {
            let slot = self.slots[place];
            if slot == 0 {
                return Err(Vacant(place));
            }
            let number = slot as usize & last;
            if slot - number as u32 == tag && same(number - 1) {
                return Ok(());
            }
            place = (place + 1) & last;
        }
    }

    /// Adds a state at the free slot of an earlier search.
    pub(super) fn fill(&mut self, vacant: Vacant, hash: u64, index: usize) {
        self.slots[vacant.0] = self.tag(hash) | (index + 1) as u32;
    }

    /// Its size in memory.
    pub(super) fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<u32>()
    }

    /// The bits of a hash stored with a number: others than those that choose the slot.
    const fn tag(&self, hash: u64) -> u32 {
        ((hash >> 32) as u32) << self.bits
    }
}
