//! Canaries: values that are unique to a run, and the search for them in any encoding.

mod scram;
mod search;

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};

pub use self::scram::{Scram, ScramHash};
pub use self::search::Search;

/// The canaries of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canaries {
    /// The user's name: not a secret, but confidential.
    pub user: String,
    /// The password: secret.
    pub password: String,
    /// The data: secret.
    pub body: String,
}

/// The kind of a canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// The user's name.
    User,
    /// The password, or what was derived from it.
    Password,
    /// The data.
    Body,
}

impl Kind {
    /// Its name, as in the placeholder.
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Password => "password",
            Self::Body => "body",
        }
    }

    /// Whether it is a secret.
    pub const fn is_secret(self) -> bool {
        matches!(self, Self::Password | Self::Body)
    }
}

/// The encoding in which a canary was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Form {
    /// Unchanged, in upper or lower case.
    Raw,
    /// In base64, alone or with other bytes before or after it.
    Base64,
    /// In hexadecimal.
    Hex,
    /// In UTF-16.
    Utf16,
    /// Percent-encoded.
    Percent,
    /// Quoted-printable, with soft line breaks or escapes.
    QuotedPrintable,
    /// As the answer to a CRAM-MD5 challenge.
    CramMd5,
    /// As an APOP digest.
    Apop,
    /// As the proof of a SCRAM exchange.
    Scram,
}

impl Form {
    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Raw => "as it is",
            Self::Base64 => "in base64",
            Self::Hex => "in hexadecimal",
            Self::Utf16 => "in UTF-16",
            Self::Percent => "percent-encoded",
            Self::QuotedPrintable => "quoted-printable",
            Self::CramMd5 => "as a CRAM-MD5 digest",
            Self::Apop => "as an APOP digest",
            Self::Scram => "as a SCRAM proof",
        }
    }
}

/// A challenge of the peer; a client answers it with a value derived from its password.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Challenge {
    /// The text of a CRAM-MD5 challenge, decoded.
    CramMd5(Vec<u8>),
    /// The time stamp of a POP3 greeting, angle brackets included.
    Apop(Vec<u8>),
    /// The server's first message of a SCRAM exchange.
    Scram(Scram),
}

/// A canary in some bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sighting {
    /// Its kind.
    pub kind: Kind,
    /// Its encoding.
    pub form: Form,
    /// Its place.
    pub range: Range<usize>,
}

impl Canaries {
    /// New canaries from a unique seed.
    pub fn new(seed: u128) -> Self {
        // 16 letters and digits each, starting with a letter: no client quotes or escapes them.
        let word = |salt: &str| {
            let digest = Md5::new().chain_update(seed.to_le_bytes()).chain_update(salt).finalize();
            let letters = b"abcdefghijklmnopqrstuvwxyz234567";
            let tail: String = digest
                .iter()
                .take(14)
                .map(|byte| char::from(letters[usize::from(byte % 32)]))
                .collect();
            format!("{salt}{tail}")
        };
        Self { user: word("us"), password: word("pw"), body: word("bd") }
    }

    /// Finds the canaries in bytes, in any encoding. The ranges refer to the searched bytes.
    pub fn search(&self, bytes: &[u8], challenges: &[Challenge]) -> Vec<Sighting> {
        self.searching(challenges).find(bytes)
    }

    /// Prepares the search, for many bytes.
    pub fn searching(&self, challenges: &[Challenge]) -> Search {
        Search::new(self, challenges)
    }

    /// The canaries, with their kinds.
    fn values(&self) -> [(Kind, &str); 3] {
        [(Kind::User, &self.user), (Kind::Password, &self.password), (Kind::Body, &self.body)]
    }

    /// The value that a client derives from a challenge, in hexadecimal or base64 as it is sent.
    fn answer(&self, challenge: &Challenge) -> (Form, String) {
        match challenge {
            Challenge::CramMd5(text) => {
                let digest = Hmac::<Md5>::new_from_slice(self.password.as_bytes())
                    .map(|mac| mac.chain_update(text).finalize().into_bytes().to_vec())
                    .unwrap_or_default();
                (Form::CramMd5, hex(&digest))
            }
            Challenge::Apop(stamp) => {
                let digest = Md5::new().chain_update(stamp).chain_update(&self.password).finalize();
                (Form::Apop, hex(&digest))
            }
            Challenge::Scram(scram) => (Form::Scram, scram.proof(&self.password)),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The fixed byte strings that encode a value.
fn forms(value: &str) -> Vec<(Form, Vec<u8>)> {
    let utf16 =
        |order: fn(u16) -> [u8; 2]| value.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    let mut forms = vec![
        (Form::Raw, value.as_bytes().to_vec()),
        (Form::Hex, hex(value.as_bytes()).into_bytes()),
        (Form::Utf16, utf16(u16::to_le_bytes)),
        (Form::Utf16, utf16(u16::to_be_bytes)),
    ];
    forms.extend(inner_base64(value.as_bytes()).map(|needle| (Form::Base64, needle)));
    forms
}

/// The part of a value's base64 that does not depend on neighbouring bytes, for each alignment.
fn inner_base64(value: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..3).map(move |shift| {
        let mut padded = vec![0; shift];
        padded.extend(value);
        let text = STANDARD.encode(&padded);
        // Leave out characters that contain bits of neighbouring bytes.
        let from = (shift * 8).div_ceil(6);
        let to = (shift + value.len()) * 8 / 6;
        text.as_bytes()[from..to].to_vec()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kinds(canaries: &Canaries, bytes: &[u8], challenges: &[Challenge]) -> Vec<(Kind, Form)> {
        canaries.search(bytes, challenges).into_iter().map(|s| (s.kind, s.form)).collect()
    }

    #[test]
    fn differ_by_seed_and_need_no_quoting() {
        let (one, two) = (Canaries::new(1), Canaries::new(2));
        assert_ne!(one, two);
        for word in [&one.user, &one.password, &one.body] {
            assert_eq!(word.len(), 16);
            assert!(word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
        }
    }

    #[test]
    fn finds_sasl_composites() {
        let canaries = Canaries::new(7);
        let plain = STANDARD.encode(format!("\0{}\0{}", canaries.user, canaries.password));
        let found = kinds(&canaries, format!("AUTH PLAIN {plain}\r\n").as_bytes(), &[]);
        assert_eq!(found, [(Kind::User, Form::Base64), (Kind::Password, Form::Base64)]);
    }

    #[test]
    fn finds_what_was_derived_from_the_password() {
        let canaries = Canaries { password: "tanstaaftanstaaf".into(), ..Canaries::new(7) };
        let challenge = Challenge::CramMd5(b"<1896.697170952@postoffice.reston.mci.net>".to_vec());
        let stranger = [Challenge::CramMd5(b"<0@x>".to_vec())];
        // RFC 2195 section 2, with the password given there: an independent value.
        let known = Canaries { password: "tanstaaftanstaaf".into(), ..canaries.clone() };
        let (_, digest) = known.answer(&challenge);
        assert_eq!(digest, "b913a602c7eda7a495b4e6e7334d3890");
        let answer = STANDARD.encode(format!("{} {digest}", canaries.user));
        let sightings = kinds(&canaries, answer.as_bytes(), &[challenge]);
        assert!(sightings.contains(&(Kind::Password, Form::CramMd5)));
        assert!(
            !kinds(&canaries, answer.as_bytes(), &stranger)
                .contains(&(Kind::Password, Form::CramMd5))
        );
    }

    #[test]
    fn finds_the_proof_of_a_scram_exchange() {
        let canaries = Canaries { password: "pencil".into(), ..Canaries::new(7) };
        let first = b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL";
        let salt = STANDARD.decode("QSXCR+Q6sek8bf92").unwrap();
        let challenge =
            Challenge::Scram(Scram::new(ScramHash::Sha1, first, "3rfcNHYJY1ZVvWVs7j", salt, 4096));
        let last = "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,\
            p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=";
        let line = STANDARD.encode(last);
        for text in [last.as_bytes(), line.as_bytes()] {
            let found = kinds(&canaries, text, std::slice::from_ref(&challenge));
            assert_eq!(found, [(Kind::Password, Form::Scram)]);
        }
    }

    #[test]
    fn knows_the_apop_example_of_rfc_1939() {
        let canaries = Canaries { password: "tanstaaf".into(), ..Canaries::new(7) };
        let stamp = Challenge::Apop(b"<1896.697170952@dbc.mtview.ca.us>".to_vec());
        assert_eq!(canaries.answer(&stamp).1, "c4c9334bac560ecc979e58001b3e22fb");
    }

    proptest! {
        #[test]
        fn finds_every_form_anywhere(
            seed: u64,
            before in proptest::collection::vec(any::<u8>(), 0..40),
            behind in proptest::collection::vec(any::<u8>(), 0..40),
            escaped in proptest::collection::vec(any::<bool>(), 16),
        ) {
            let canaries = Canaries::new(seed.into());
            let value = canaries.password.clone();
            let escape = |mark: char| -> String {
                value.bytes().zip(&escaped).map(|(byte, &escape)| {
                    if escape { format!("{mark}{byte:02X}") } else { char::from(byte).to_string() }
                }).collect()
            };
            let mut composite = before.clone();
            composite.extend(value.as_bytes());
            composite.extend(&behind);
            for text in [
                value.clone().into_bytes(),
                value.to_uppercase().into_bytes(),
                hex(value.as_bytes()).into_bytes(),
                hex(value.as_bytes()).to_uppercase().into_bytes(),
                value.encode_utf16().flat_map(u16::to_le_bytes).collect(),
                value.encode_utf16().flat_map(u16::to_be_bytes).collect(),
                escape('%').into_bytes(),
                escape('=').into_bytes(),
                STANDARD.encode(&composite).into_bytes(),
            ] {
                let mut bytes = before.clone();
                bytes.extend(&text);
                bytes.extend(&behind);
                let found = canaries.search(&bytes, &[]);
                prop_assert!(found.iter().any(|s| s.kind == Kind::Password));
                prop_assert!(found.iter().all(|s| s.range.end <= bytes.len()));
            }
        }

        #[test]
        fn finds_nothing_in_noise(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            prop_assert_eq!(Canaries::new(99).search(&bytes, &[]), []);
        }
    }
}
