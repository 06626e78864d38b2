//! The weaker login mechanism that an attacker's list names alone, as the built-in client uses it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::canary::Canaries;
use crate::codec::sasl;

/// The mechanism that only an attacker's list names.
pub(super) const LURE: &str = "X-UPWARD-LURE";

/// A mechanism that each server has, and that the built-in client does not choose by itself.
const LOGIN: &str = "LOGIN";

/// The weaker of the mechanisms that a list names, where it names no other.
pub(super) fn alone<'a>(mut names: impl Iterator<Item = &'a str>) -> Option<&'static str> {
    let first = names.next()?;
    let known = [LURE, LOGIN].into_iter().find(|name| *name == first)?;
    names.next().is_none().then_some(known)
}

/// A login with the weaker mechanism.
pub(super) struct Weaker {
    name: &'static str,
    /// Whether it was begun, and waits for a credential.
    begun: bool,
    /// What the client answers to the challenges to come; the last is said first.
    answers: Vec<String>,
}

impl Default for Weaker {
    fn default() -> Self {
        Self { name: LURE, begun: false, answers: Vec::new() }
    }
}

impl Weaker {
    /// A list named it.
    pub(super) const fn is_named(&mut self, name: &'static str) {
        self.name = name;
    }

    /// Gives up a login that is under way.
    pub(super) fn forget(&mut self) {
        self.begun = false;
        self.answers.clear();
    }

    /// The name, to begin a login that asks for a credential.
    pub(super) const fn begin(&mut self) -> &'static str {
        self.begun = true;
        self.name
    }

    /// The credential of a login that was begun, if it is not a digest.
    pub(super) fn credential(&mut self, canaries: &Canaries) -> Option<String> {
        let begun = std::mem::take(&mut self.begun) && self.name == LOGIN;
        begun.then(|| {
            self.answers = vec![STANDARD.encode(&canaries.password)];
            STANDARD.encode(&canaries.user)
        })
    }

    /// The name, and what stands behind it, of a login in one go.
    pub(super) fn log_in(&mut self, canaries: &Canaries) -> String {
        if self.name == LOGIN {
            let (user, password) = (&canaries.user, &canaries.password);
            self.answers = vec![STANDARD.encode(password), STANDARD.encode(user)];
            return LOGIN.to_owned();
        }
        format!("{} {}", self.name, sasl::plain(canaries))
    }

    /// The answer to a challenge.
    pub(super) fn answer(&mut self) -> Option<String> {
        self.answers.pop()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_the_weaker_alone_or_not_at_all() {
        assert_eq!(alone(["LOGIN"].into_iter()), Some(LOGIN));
        assert_eq!(alone([LURE].into_iter()), Some(LURE));
        assert_eq!(alone(["PLAIN"].into_iter()), None);
        assert_eq!(alone(["LOGIN", "PLAIN"].into_iter()), None);
        assert_eq!(alone([].into_iter()), None);
    }

    #[test]
    fn login_is_said_in_steps() {
        let canaries = Canaries::new(1);
        let mut weaker = Weaker::default();
        assert!(weaker.log_in(&canaries).starts_with("X-UPWARD-LURE "));
        assert_eq!(weaker.answer(), None);
        weaker.is_named(LOGIN);
        assert_eq!(weaker.log_in(&canaries), "LOGIN");
        assert_eq!(weaker.answer(), Some(STANDARD.encode(&canaries.user)));
        assert_eq!(weaker.answer(), Some(STANDARD.encode(&canaries.password)));
        assert_eq!((weaker.begin(), weaker.answer()), ("LOGIN", None));
        assert_eq!(weaker.credential(&canaries), Some(STANDARD.encode(&canaries.user)));
        assert_eq!((weaker.credential(&canaries), weaker.answers.len()), (None, 1));
    }
}
