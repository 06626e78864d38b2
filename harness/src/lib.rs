//! The conformance harness: it plays vectors of the model against real programs and judges what
//! they did.

// `print!` panics where a disk is full or nobody reads; `cli::out` does not.
#![warn(clippy::print_stdout)]

pub mod canary;
pub mod catalogue;
pub mod certificate;
pub mod cli;
pub mod codec;
pub mod evidence;
pub mod in_process;
pub mod judge;
pub mod link;
pub mod negotiate;
pub mod peer;
mod place;
pub mod process;
pub mod profile;
pub mod reference;
pub mod report;
pub mod results;
pub mod scene;
pub mod shard;
mod shell;
mod suggestions;
pub mod suite;
pub mod template;
pub mod tls;
pub mod trial;
pub mod vectors;
pub mod waiver;
pub mod wire;
mod words;

pub use self::in_process::in_process;
