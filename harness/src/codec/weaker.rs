//! The built-in client's login with a weaker mechanism, used if an attacker's list names only that one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use upward_model::message::Mechanism;

use crate::canary::Canaries;
use crate::codec::sasl;

/// The mechanism that occurs only in an attacker's list.
pub(super) const LURE: &str = "X-UPWARD-LURE";

/// A mechanism that every server supports, and that the built-in client does not choose by itself.
const LOGIN: &str = "LOGIN";

/// The weaker mechanism, if a list names it and no other.
pub(super) fn alone<'a>(mut names: impl Iterator<Item = &'a str>) -> Option<&'static str> {
    let first = names.next()?;
    let known = [LURE, LOGIN].into_iter().find(|name| *name == first)?;
    names.next().is_none().then_some(known)
}

/// A login with the weaker mechanism.
pub(super) struct Weaker {
    name: &'static str,
    /// Whether the login has begun, and waits for a credential.
    begun: bool,
    /// The client's answers to the next challenges, in reverse order.
    answers: Vec<String>,
}

impl Default for Weaker {
    fn default() -> Self {
        Self { name: LURE, begun: false, answers: Vec::new() }
    }
}

impl Weaker {
    /// Chooses the mechanism that a list named.
    pub(super) const fn is_named(&mut self, name: &'static str) {
        self.name = name;
    }

    /// Abandons an unfinished login.
    pub(super) fn forget(&mut self) {
        self.begun = false;
        self.answers.clear();
    }

    /// The mechanism's name, to begin a login that asks for a credential.
    pub(super) const fn begin(&mut self) -> &'static str {
        self.begun = true;
        self.name
    }

    /// The credential of an unfinished login, for this challenge.
    pub(super) fn credential(&mut self, canaries: &Canaries, challenge: &[u8]) -> String {
        if std::mem::take(&mut self.begun) && self.name == LOGIN {
            self.answers = vec![STANDARD.encode(&canaries.password)];
            return STANDARD.encode(&canaries.user);
        }
        STANDARD.encode(sasl::cram_md5(canaries, challenge))
    }

    /// The `AUTH` command that begins a login with challenges (RFC 4954 section 4, RFC 5034 section 4).
    pub(super) fn auth_begins(&mut self, mechanism: Mechanism) -> String {
        match mechanism {
            Mechanism::Own | Mechanism::Salted => "AUTH CRAM-MD5".to_owned(),
            Mechanism::Lure => format!("AUTH {}", self.begin()),
        }
    }

    /// The `AUTH` command of a login with an initial response.
    pub(super) fn auth_in_one(&mut self, mechanism: Mechanism, canaries: &Canaries) -> String {
        match mechanism {
            Mechanism::Own | Mechanism::Salted => format!("AUTH PLAIN {}", sasl::plain(canaries)),
            Mechanism::Lure => format!("AUTH {}", self.log_in(canaries)),
        }
    }

    /// The mechanism's name, and the initial response if it has one.
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
        assert_eq!(weaker.credential(&canaries, b"<1@x>"), STANDARD.encode(&canaries.user));
        let digest = STANDARD.encode(sasl::cram_md5(&canaries, b"<1@x>"));
        assert_eq!((weaker.credential(&canaries, b"<1@x>"), weaker.answers.len()), (digest, 1));
    }
}
