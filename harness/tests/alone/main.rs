//! Tests that fill the machine, or look for what a run has left on it: each process of them is heard of by the
//! others.
#![expect(clippy::expect_used, reason = "tests fail by panicking")]

mod hostile;
mod isolation;
mod process;
