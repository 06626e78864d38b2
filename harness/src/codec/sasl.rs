//! Login exchanges that several protocols share (SASL, RFC 4422), from the server's side.
//!
//! The persona offers weak and strong mechanisms and completes each of them: a client whose login fails
//! stops, and hides what else it would have sent. No password is checked. Challenges are recorded, so
//! that the values that a client derives from them are found.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::{Digest as _, Md5};

use crate::canary::{Canaries, Challenge, Kind, Scram, ScramHash};

/// The SCRAM iteration count: the minimum that RFC 5802 section 5.1 allows.
const ITERATIONS: u32 = 4096;

/// The next answer expected from the client.
#[derive(Clone, Debug, PartialEq, Eq)]
enum LoginStage {
    /// Any response, without a prompt; it ends the login.
    Ask,
    /// `LOGIN`: the user name.
    User,
    /// `LOGIN`: the password.
    Password,
    /// `CRAM-MD5`: the digest (RFC 2195).
    Digest,
    /// SCRAM: its first message.
    First(ScramHash),
    /// SCRAM: its final message, after the server's first (RFC 5802 section 3).
    Proof(Box<Scram>),
    /// SCRAM: nothing more, after the server's final message.
    Signature(String),
}

/// The login of one connection.
#[derive(Clone, Debug)]
pub(super) struct Login {
    canaries: Canaries,
    /// A part of every challenge of the run; not a canary itself.
    stamp: String,
    stage: LoginStage,
    given: Vec<Challenge>,
}

impl Login {
    pub(super) fn new(canaries: &Canaries) -> Self {
        let digest = Md5::new().chain_update("stamp").chain_update(&canaries.user).finalize();
        Self {
            canaries: canaries.clone(),
            stamp: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
            stage: LoginStage::Ask,
            given: Vec::new(),
        }
    }

    /// Begins a login: `mechanism` in capitals, `initial` decoded. Returns whether the initial response
    /// was the secret, and ends the login.
    pub(super) fn begin(&mut self, mechanism: &str, initial: Option<&[u8]>) -> bool {
        let hash = ScramHash::of(mechanism);
        self.stage = match (mechanism, hash, initial) {
            ("LOGIN", _, None) => LoginStage::User,
            ("LOGIN", _, Some(_)) => LoginStage::Password,
            ("CRAM-MD5", _, _) => LoginStage::Digest,
            (_, Some(hash), None) => LoginStage::First(hash),
            (_, Some(hash), Some(first)) => self.server_first(hash, first),
            (_, None, initial) => {
                self.stage = LoginStage::Ask;
                return initial.is_some();
            }
        };
        false
    }

    /// The challenge or prompt, before it is encoded.
    pub(super) fn prompt(&mut self) -> String {
        match &self.stage {
            LoginStage::Ask | LoginStage::First(_) => String::new(),
            LoginStage::User => "Username:".to_owned(),
            LoginStage::Password => "Password:".to_owned(),
            LoginStage::Digest => {
                let challenge = self.time_stamp();
                self.give(Challenge::CramMd5(challenge.clone().into_bytes()));
                challenge
            }
            LoginStage::Proof(scram) => {
                let (text, given) = (scram.server_first(), Challenge::Scram((**scram).clone()));
                self.give(given);
                text
            }
            LoginStage::Signature(text) => text.clone(),
        }
    }

    /// Takes the client's decoded answer; returns whether another challenge follows.
    pub(super) fn answer(&mut self, response: &[u8]) -> bool {
        self.stage = match &self.stage {
            LoginStage::User => LoginStage::Password,
            LoginStage::First(hash) => self.server_first(*hash, response),
            LoginStage::Proof(scram) => {
                LoginStage::Signature(scram.server_final(&self.canaries.password, response))
            }
            LoginStage::Ask
            | LoginStage::Password
            | LoginStage::Digest
            | LoginStage::Signature(_) => return false,
        };
        true
    }

    /// The time and host part of a challenge (RFC 2195 section 2).
    pub(super) fn time_stamp(&self) -> String {
        format!("<{}@localhost>", self.stamp)
    }

    /// Whether a line answers a challenge, from the persona or an attacker: it contains the user's
    /// name, the password, or a value derived from the password and one of these challenges.
    pub(super) fn is_answer(&self, line: &[u8], challenges: &[Challenge]) -> bool {
        self.canaries.search(line, challenges).iter().any(|found| found.kind != Kind::Body)
    }

    /// The challenges sent so far.
    pub(super) fn given(&self) -> &[Challenge] {
        &self.given
    }

    fn give(&mut self, challenge: Challenge) {
        if !self.given.contains(&challenge) {
            self.given.push(challenge);
        }
    }

    /// Answers the client's first message.
    fn server_first(&self, hash: ScramHash, client_first: &[u8]) -> LoginStage {
        let salt = self.stamp.as_bytes().iter().copied().take(16).collect();
        LoginStage::Proof(Box::new(Scram::new(hash, client_first, &self.stamp, salt, ITERATIONS)))
    }
}

/// The client's response for `PLAIN`, encoded (RFC 4616 section 2).
pub(super) fn plain(canaries: &Canaries) -> String {
    STANDARD.encode(format!("\0{}\0{}", canaries.user, canaries.password))
}

/// The client's answer to a `CRAM-MD5` challenge, before it is encoded (RFC 2195 section 2).
pub(super) fn cram_md5(canaries: &Canaries, challenge: &[u8]) -> String {
    let digest = Hmac::<Md5>::new_from_slice(canaries.password.as_bytes())
        .map(|mac| mac.chain_update(challenge).finalize().into_bytes().to_vec())
        .unwrap_or_default();
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{} {digest}", canaries.user)
}

/// The attacker's challenge in a forged reply; `prompt` is the text before it. `None` if it contains
/// none.
pub(super) fn forged(reply: &str, prompt: &str) -> Option<Challenge> {
    let text = STANDARD.decode(reply.strip_prefix(prompt)?).ok()?;
    (!text.is_empty()).then_some(Challenge::CramMd5(text))
}

/// Decodes base64; other text is returned unchanged. A single `=` is the empty response (RFC 4954
/// section 4).
pub(super) fn decode(text: &[u8]) -> Vec<u8> {
    match text.trim_ascii() {
        b"=" => Vec::new(),
        text => STANDARD.decode(text).unwrap_or_else(|_| text.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn goes_through_all_parts_of_a_login() {
        let mut login = Login::new(&Canaries::new(1));
        assert!(login.begin("PLAIN", Some(b"\0user\0password")));
        assert!(!login.begin("PLAIN", None));
        assert_eq!(login.prompt(), "");
        assert!(!login.answer(b"\0user\0password"));

        assert!(!login.begin("LOGIN", None));
        assert_eq!(login.prompt(), "Username:");
        assert!(login.answer(b"user"));
        assert_eq!(login.prompt(), "Password:");
        assert!(!login.answer(b"pencil"));

        assert!(!login.begin("LOGIN", Some(b"user")));
        assert_eq!(login.prompt(), "Password:");
        assert_eq!(login.given(), []);
    }

    #[test]
    fn challenges_are_fresh_for_each_run_and_remembered() {
        let prompt = |seed| {
            let mut login = Login::new(&Canaries::new(seed));
            assert!(!login.begin("CRAM-MD5", None));
            let prompt = login.prompt();
            assert_eq!(login.given(), [Challenge::CramMd5(prompt.clone().into_bytes())]);
            prompt
        };
        assert_eq!(prompt(1), prompt(1));
        assert_ne!(prompt(1), prompt(2));
    }

    #[test]
    fn scram_begins_with_or_without_an_initial_response() {
        let mut login = Login::new(&Canaries::new(1));
        for initial in [None, Some(&b"n,,n=user,r=abc"[..])] {
            assert!(!login.begin("SCRAM-SHA-256", initial));
            if initial.is_none() {
                assert_eq!(login.prompt(), "");
                assert!(login.answer(b"n,,n=user,r=abc"));
            }
            assert!(login.prompt().starts_with("r=abc"));
            assert!(login.answer(b"c=biws,r=abc,p=AAAA"));
            assert!(login.prompt().starts_with("v="));
            assert!(!login.answer(b""));
        }
        assert!(matches!(login.given(), [Challenge::Scram(_)]));
    }

    proptest! {
        /// No answer of a client causes a panic, and there are at most three challenges.
        #[test]
        fn every_login_ends(
            mechanism in "LOGIN|PLAIN|CRAM-MD5|SCRAM-SHA-1|SCRAM-SHA-256|[A-Z0-9-]{0,20}",
            initial: Option<Vec<u8>>,
            answers in proptest::collection::vec(any::<Vec<u8>>(), 4),
        ) {
            let mut login = Login::new(&Canaries::new(1));
            if !login.begin(&mechanism, initial.as_deref()) {
                let asked = answers.iter().take_while(|answer| {
                    login.prompt();
                    login.answer(&decode(answer))
                });
                prop_assert!(asked.count() < 3);
            }
        }
    }

    #[test]
    fn an_initial_response_may_be_empty_or_nonsense() {
        assert_eq!(decode(b"="), b"");
        assert_eq!(decode(b"YWI= "), b"ab");
        assert_eq!(decode(b"?"), b"?");
    }
}
