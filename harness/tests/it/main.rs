//! The tests of the harness that can run side by side: one program, which is built and linked once.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "tests fail by panicking")]

#[path = "../../../model/tests/it/in_parallel.rs"]
mod in_parallel;

mod bout;
mod by_hand;
mod ci;
mod cli;
mod controls;
mod matrix;
mod names;
mod negotiate;
mod persona_bytes;
mod planted;
mod reports;
mod results;
mod serve;
mod sockets;
mod vectors;
mod waivers;
