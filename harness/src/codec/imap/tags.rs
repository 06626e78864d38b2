//! The tags of a client's commands, and a guess of the next one.
//!
//! A reply that is forged before its command is sent must carry that command's tag. Most clients count;
//! some use one tag for all commands. For other clients, the best guess is the tags of the honest
//! control, which an attacker can know, too.

use crate::codec::Lesson;

/// How many tags of a connection are kept.
const KEPT: usize = 64;

/// The first tag of a client about which nothing is known.
const FIRST: &[u8] = b"a1";

/// The tags of one connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Tags {
    used: Vec<Vec<u8>>,
    learned: Vec<Vec<u8>>,
    /// The tag that was used last.
    last: Option<Vec<u8>>,
    /// How many commands after the last one were answered before they were sent.
    ahead: usize,
}

impl Tags {
    /// Records the tag of a command that was received.
    pub(super) fn used(&mut self, tag: &[u8]) {
        self.ahead = 0;
        self.last = Some(tag.to_vec());
        if self.used.len() < KEPT {
            self.used.push(tag.to_vec());
        }
    }

    /// The tag of the last command; `*` if there was none.
    pub(super) fn last(&self) -> &[u8] {
        self.last.as_deref().unwrap_or(b"*")
    }

    /// The guessed tag of the next command that was neither received nor answered.
    pub(super) fn next(&mut self) -> Vec<u8> {
        self.ahead += 1;
        let position = self.used.len() + self.ahead - 1;
        let as_learned = self.learned.starts_with(&self.used);
        if as_learned && let Some(tag) = self.learned.get(position) {
            return tag.clone();
        }
        let first = self.learned.first().map_or(FIRST, Vec::as_slice);
        match &self.last {
            Some(last) => successor(last, self.ahead),
            None => successor(first, self.ahead - 1),
        }
    }

    pub(super) fn learn(&mut self, lesson: &Lesson) {
        self.learned.clone_from(&lesson.tags);
    }

    pub(super) fn lesson(&self) -> Lesson {
        Lesson { tags: self.used.clone() }
    }
}

/// The tag that a counting client uses `by` commands later: its last number is increased, and keeps its
/// width. A tag without a number stays the same.
fn successor(tag: &[u8], by: usize) -> Vec<u8> {
    let Some(end) = tag.iter().rposition(u8::is_ascii_digit).map(|at| at + 1) else {
        return tag.to_vec();
    };
    let start = tag[..end].iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |at| at + 1);
    let width = end - start;
    let number = String::from_utf8_lossy(&tag[start..end]).parse::<u64>().unwrap_or_default();
    let next = number.saturating_add(u64::try_from(by).unwrap_or(u64::MAX));
    [&tag[..start], format!("{next:0width$}").as_bytes(), &tag[end..]].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn after(learned: &[&str], used: &[&str]) -> Vec<String> {
        let mut tags = Tags::default();
        tags.learn(&Lesson { tags: learned.iter().map(|tag| tag.as_bytes().to_vec()).collect() });
        for tag in used {
            tags.used(tag.as_bytes());
        }
        (0..3).map(|_| String::from_utf8(tags.next()).unwrap()).collect()
    }

    #[test]
    fn who_counts_goes_on_counting() {
        assert_eq!(after(&[], &["A001", "A002"]), ["A003", "A004", "A005"]);
        assert_eq!(after(&[], &["a9"]), ["a10", "a11", "a12"]);
        assert_eq!(after(&[], &["7x"]), ["8x", "9x", "10x"]);
        assert_eq!(after(&[], &["."]), [".", ".", "."]);
        assert_eq!(after(&[], &[]), ["a1", "a2", "a3"]);
    }

    #[test]
    fn what_was_learned_is_the_better_guess() {
        let learned = ["x", "y", "z", "z7"];
        assert_eq!(after(&learned, &[]), ["x", "y", "z"]);
        assert_eq!(after(&learned, &["x", "y"]), ["z", "z7", "y"]);
        // A client with a prefix of its own for each connection.
        assert_eq!(after(&["KA0", "KA1", "KA2"], &["QB0"]), ["QB1", "QB2", "QB3"]);
    }

    #[test]
    fn a_command_that_was_said_is_ahead_of_nobody() {
        let mut tags = Tags::default();
        tags.used(b"a1");
        assert_eq!((tags.next(), tags.next()), (b"a2".to_vec(), b"a3".to_vec()));
        tags.used(b"a2");
        assert_eq!(tags.next(), b"a3");
        assert_eq!(tags.last(), b"a2");
    }

    proptest! {
        #[test]
        fn no_tag_makes_it_panic(tag: Vec<u8>, by: usize) {
            let next = successor(&tag, by);
            prop_assert!(next.len() >= tag.len().min(20));
        }
    }
}
