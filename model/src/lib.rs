//! A formal model of in-band TLS upgrade.

pub mod certificate;
pub mod check;
pub mod client;
pub mod concurrent;
pub mod dialogue;
pub mod explain;
pub mod flaw;
pub mod generate;
mod level;
pub mod machine;
pub mod message;
pub mod play;
pub mod policy;
pub mod promela;
pub mod property;
pub mod protocol;
pub mod server;
pub mod theorem;
pub mod variant;
pub mod vector;
pub mod walk;
pub mod world;
