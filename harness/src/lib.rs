//! Upward as a library: conformance tests of in-band TLS upgrade (STARTTLS and its kin) for clients in Rust.
//!
//! | you have | you use |
//! |---|---|
//! | a client in Rust | [`in_process()`]: one `cargo test` case for each vector, for an async function |
//! | a protocol to speak over TLS | [`negotiate`]: the proved client, up to where TLS stands |
//! | JSON reports of `upward run` | [`results`]: read them, merge shards, compare two runs |
//!
//! The program `upward` tests clients in any language. The model and its proofs are the crate `upward-model`.
//! All other modules serve the program: they are hidden here, and may change in any release.

// `print!` panics if the disk is full or the reader has closed the pipe; `cli::out` does not.
#![warn(clippy::print_stdout)]

pub mod in_process;
pub mod negotiate;
pub mod results;

#[doc(hidden)]
pub mod canary;
#[doc(hidden)]
pub mod catalogue;
#[doc(hidden)]
pub mod certificate;
#[doc(hidden)]
pub mod cli;
#[doc(hidden)]
pub mod codec;
#[doc(hidden)]
pub mod evidence;
#[doc(hidden)]
pub mod judge;
#[doc(hidden)]
pub mod link;
#[doc(hidden)]
pub mod peer;
mod place;
#[doc(hidden)]
pub mod process;
#[doc(hidden)]
pub mod profile;
#[doc(hidden)]
pub mod reference;
#[doc(hidden)]
pub mod report;
#[doc(hidden)]
pub mod scene;
#[doc(hidden)]
pub mod shard;
mod shell;
#[doc(hidden)]
pub mod subject;
mod suggestions;
#[doc(hidden)]
pub mod suite;
#[doc(hidden)]
pub mod template;
#[doc(hidden)]
pub mod tls;
#[doc(hidden)]
pub mod trial;
#[doc(hidden)]
pub mod vectors;
#[doc(hidden)]
pub mod waiver;
#[doc(hidden)]
pub mod wire;
mod words;

pub use self::in_process::in_process;
#[doc(inline)]
pub use upward_model::policy::Policy;
#[doc(inline)]
pub use upward_model::vector::{Outcome, Tier};

#[doc(inline)]
pub use self::profile::Trait;
#[doc(inline)]
pub use self::shard::Shard;
