//! A client state machine of your own in place of the model's, proved against the same attacker.
//!
//! `cargo run -p upward-model --example own_client` proves a client that keeps its receive buffer
//! when TLS starts: that fails, with the least dialogue that shows why. Then it proves the same
//! client mended.

#[path = "own_client/client.rs"]
mod client;
#[path = "own_client/prove.rs"]
mod prove;

use std::process::ExitCode;

use self::client::{AtStart, OwnClient};

/// The most states that are visited.
const LIMIT: usize = 1_000_000;

fn main() -> ExitCode {
    let buggy = prove::prove(OwnClient { buffer: AtStart::Keep }, LIMIT);
    println!("it keeps what is in its buffer when TLS starts:\n{buggy}\n");
    let mended = prove::prove(OwnClient { buffer: AtStart::Discard }, LIMIT);
    println!("it throws it away:\n{mended}");
    ExitCode::from(u8::from(!mended.is_proved()))
}
