//! Real programs: bundled clients, and small clients with known mistakes, broken and mended. `cargo test` leaves them
//! out; `cargo test -p upward --test programs` runs those that are installed.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "tests fail by panicking")]

mod clients;
mod command_line;
mod entries;
mod examples;
mod mistakes;
mod programs;
mod several_runs;
mod twins;
