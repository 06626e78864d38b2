//! Where each state is, by its hash: four bytes a slot.
//!
//! A slot is 0, or the number of a state, counted from 1, below bits of its hash that have no part
//! in its place. Numbers are smaller than the table, so one of 2^n slots leaves 32 - n bits for that,
//! and a search looks at another state than the one that it is after once in a thousand times. A
//! general hash table keeps these bits in a place of their own, and costs a further cache miss.

/// Open addressing, no removal, never more than three quarters full.
#[derive(Clone, Debug)]
pub(super) struct Table {
    slots: Vec<u32>,
    /// There are two to the power of this many slots.
    bits: u32,
}

/// A slot where a state belongs that is not there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vacant(usize);

impl Table {
    /// How many states fit at most: as many as a table of 2^31 slots takes.
    pub(super) const MOST: usize = 3 << 29;

    /// A small one that is empty.
    pub(super) fn new() -> Self {
        Self::empty(6)
    }

    fn empty(bits: u32) -> Self {
        Self { slots: vec![0; 1 << bits], bits }
    }

    /// Whether it has to grow before another is added to that many.
    pub(super) const fn is_full(&self, states: usize) -> bool {
        states >= self.slots.len() / 4 * 3
    }

    /// Doubles; the hashes are those of all states, in order.
    pub(super) fn grow(&mut self, hashes: impl Iterator<Item = u64>) {
        // The old slots go first: both tables at once would be the peak of a search.
        self.slots = Vec::new();
        *self = Self::empty(self.bits + 1);
        for (index, hash) in hashes.enumerate() {
            if let Err(vacant) = self.find(hash, |_| false) {
                self.fill(vacant, hash, index);
            }
        }
    }

    /// Looks for a state with this hash that is the same.
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

    /// Puts a state where it was looked for.
    pub(super) fn fill(&mut self, vacant: Vacant, hash: u64, index: usize) {
        self.slots[vacant.0] = self.tag(hash) | (index + 1) as u32;
    }

    /// How much memory it holds.
    pub(super) fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<u32>()
    }

    /// The bits of a hash that go with a number: not those of the place.
    const fn tag(&self, hash: u64) -> u32 {
        ((hash >> 32) as u32) << self.bits
    }
}
