//! The tests of the model: one program, which is built and linked once.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "tests fail by panicking")]

#[path = "../../examples/own_client/prove.rs"]
mod prove;
#[path = "../../examples/wrong_clients/mod.rs"]
#[allow(dead_code, unused_imports, reason = "some parts serve the example only")]
mod wrong_clients;

mod attempts;
mod bounds;
mod budgeted;
mod certificate;
mod classes;
mod concurrent;
mod conversations;
mod cover;
mod explain;
mod explain_any;
mod explain_programs;
mod exported;
mod flaw_reports;
mod generated;
mod in_parallel;
mod lab;
mod machines;
mod matrices;
mod mutants;
mod own_client;
mod poisoned;
mod promela_smtp;
mod random_client;
mod refuted;
mod spin;
mod theorems;
mod wordings;
