//! The tests of the harness that can run side by side: one program, which is built and linked once.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "tests fail by panicking")]

#[path = "../../../model/tests/it/in_parallel.rs"]
mod in_parallel;

mod bout;
mod by_hand;
mod ci;
mod cli;
mod clients;
mod command_line;
mod controls;
mod entries;
mod matrix;
mod mistakes;
mod names;
mod negotiate;
mod persona_bytes;
mod planted;
mod programs;
mod reports;
mod results;
mod serve;
mod several_runs;
mod sockets;
mod twins;
mod vectors;
mod waivers;
