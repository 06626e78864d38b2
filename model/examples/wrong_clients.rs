//! Four wrong clients of the manual's protocol. Each is a state machine of its own, and none of them
//! says that it does anything wrong: the world finds each mistake in what the client does.
//!
//! `cargo run -p upward-model --example wrong_clients` prints for each client the properties that it
//! breaks, each with the least dialogue.

#[path = "own_client/prove.rs"]
mod prove;
#[path = "wrong_clients/mod.rs"]
mod wrong_clients;

use std::process::ExitCode;

use self::prove::Proof;
use self::wrong_clients::{BelievesClearText, KeepsBuffer, NeverSends, TrustsDeadline};

/// The most states that are visited.
const LIMIT: usize = 1_000_000;

fn main() -> ExitCode {
    let proofs: [(&str, Proof); 4] = [
        (
            "it takes clear text for the end of the handshake",
            prove::prove(BelievesClearText, LIMIT),
        ),
        ("it keeps its buffer when TLS starts", prove::prove(KeepsBuffer, LIMIT)),
        ("it takes its deadline for success", prove::prove(TrustsDeadline, LIMIT)),
        ("it reports success and sends nothing", prove::prove(NeverSends, LIMIT)),
    ];
    for (mistake, proof) in &proofs {
        println!("{mistake}:\n{proof}\n");
    }
    ExitCode::from(u8::from(proofs.iter().any(|(_, proof)| proof.is_proved())))
}
