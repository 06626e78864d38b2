//! SCRAM (RFC 5802, RFC 7677): the values that both sides derive from a password.

use std::num::NonZeroU32;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::{digest, hmac, pbkdf2};

/// The hash function of a SCRAM mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ScramHash {
    /// `SCRAM-SHA-1`.
    Sha1,
    /// `SCRAM-SHA-256`.
    Sha256,
}

impl ScramHash {
    /// The hash function of a mechanism, if it is a SCRAM mechanism without channel binding.
    pub fn of(mechanism: &str) -> Option<Self> {
        match mechanism {
            "SCRAM-SHA-1" => Some(Self::Sha1),
            "SCRAM-SHA-256" => Some(Self::Sha256),
            _ => None,
        }
    }

    fn mac(self, key: &[u8], message: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Self::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => hmac::HMAC_SHA256,
        };
        hmac::sign(&hmac::Key::new(algorithm, key), message).as_ref().to_vec()
    }

    fn hash(self, message: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &digest::SHA256,
        };
        digest::digest(algorithm, message).as_ref().to_vec()
    }

    fn stretch(self, password: &str, salt: &[u8], iterations: u32) -> Vec<u8> {
        let (algorithm, length) = match self {
            Self::Sha1 => (pbkdf2::PBKDF2_HMAC_SHA1, digest::SHA1_OUTPUT_LEN),
            Self::Sha256 => (pbkdf2::PBKDF2_HMAC_SHA256, digest::SHA256_OUTPUT_LEN),
        };
        let mut salted = vec![0; length];
        let rounds = NonZeroU32::new(iterations).unwrap_or(NonZeroU32::MIN);
        pbkdf2::derive(algorithm, rounds, salt, password.as_bytes(), &mut salted);
        salted
    }
}

/// A SCRAM exchange after the server's first message: all parts of the client's proof except the
/// password.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scram {
    hash: ScramHash,
    /// The GS2 header, which is repeated as `c=`.
    header: String,
    /// The client's first message without the header.
    client_first: String,
    /// The nonces of both sides.
    nonce: String,
    salt: Vec<u8>,
    iterations: u32,
}

impl Scram {
    /// The exchange that begins with this message of the client, `n,,n=user,r=nonce`, and is answered
    /// with a nonce, a salt and an iteration count.
    pub fn new(
        hash: ScramHash,
        client_first: &[u8],
        nonce: &str,
        salt: Vec<u8>,
        iterations: u32,
    ) -> Self {
        let text = String::from_utf8_lossy(client_first);
        // The GS2 header ends with the second comma.
        let end = text.match_indices(',').nth(1).map_or(0, |(at, _)| at + 1);
        let (header, bare) = text.split_at(end);
        let client_nonce = bare.split(',').find_map(|part| part.strip_prefix("r="));
        Self {
            hash,
            header: header.to_owned(),
            client_first: bare.to_owned(),
            nonce: format!("{}{nonce}", client_nonce.unwrap_or_default()),
            salt,
            iterations,
        }
    }

    /// The server's first message.
    pub fn server_first(&self) -> String {
        format!("r={},s={},i={}", self.nonce, STANDARD.encode(&self.salt), self.iterations)
    }

    /// The server's final message; clients stop without it.
    pub fn server_final(&self, password: &str, client_final: &[u8]) -> String {
        let client_final = String::from_utf8_lossy(client_final);
        let without_proof =
            client_final.rsplit_once(",p=").map_or(&*client_final, |(head, _)| head);
        let salted = self.hash.stretch(password, &self.salt, self.iterations);
        let key = self.hash.mac(&salted, b"Server Key");
        let signature = self.hash.mac(&key, self.message(without_proof).as_bytes());
        format!("v={}", STANDARD.encode(signature))
    }

    /// The proof of a client that has this password, in base64 as in its final message.
    pub fn proof(&self, password: &str) -> String {
        let without_proof = format!("c={},r={}", STANDARD.encode(&self.header), self.nonce);
        let salted = self.hash.stretch(password, &self.salt, self.iterations);
        let key = self.hash.mac(&salted, b"Client Key");
        let stored = self.hash.hash(&key);
        let signature = self.hash.mac(&stored, self.message(&without_proof).as_bytes());
        let proof: Vec<u8> = key.iter().zip(&signature).map(|(one, other)| one ^ other).collect();
        STANDARD.encode(proof)
    }

    fn message(&self, without_proof: &str) -> String {
        format!("{},{},{without_proof}", self.client_first, self.server_first())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange(hash: ScramHash, first: &str, nonce: &str, salt: &str) -> Scram {
        Scram::new(hash, first.as_bytes(), nonce, STANDARD.decode(salt).unwrap(), 4096)
    }

    #[test]
    fn knows_the_example_of_rfc_5802() {
        let scram = exchange(
            ScramHash::Sha1,
            "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
            "3rfcNHYJY1ZVvWVs7j",
            "QSXCR+Q6sek8bf92",
        );
        assert_eq!(
            scram.server_first(),
            "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"
        );
        assert_eq!(scram.proof("pencil"), "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=");
        let last = b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,\
            p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=";
        assert_eq!(scram.server_final("pencil", last), "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=");
    }

    #[test]
    fn knows_the_example_of_rfc_7677() {
        let scram = exchange(
            ScramHash::Sha256,
            "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
            "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
            "W22ZaJ0SNY7soEsUEjb6gQ==",
        );
        assert_eq!(scram.proof("pencil"), "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
        let last = b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
            p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        assert_eq!(
            scram.server_final("pencil", last),
            "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
        );
    }

    #[test]
    fn nonsense_is_no_panic() {
        for first in ["", ",", "n,,", "r=", "\u{fffd},,r=x"] {
            let scram = exchange(ScramHash::Sha1, first, "x", "");
            assert!(scram.server_final("p", first.as_bytes()).starts_with("v="));
        }
    }
}
