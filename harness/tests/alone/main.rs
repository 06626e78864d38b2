//! Tests that fill the machine, or look for what a run has left on it: each process of them is heard of by the
//! others. `cargo test` leaves them out; `cargo test -p upward --test alone` runs them.
#![expect(clippy::expect_used, reason = "tests fail by panicking")]

mod hostile;
mod isolation;
mod process;
