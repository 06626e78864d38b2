//! The conformance harness: it plays vectors of the model against real programs and judges what
//! they did.

pub mod canary;
pub mod certificate;
pub mod codec;
pub mod judge;
pub mod persona;
pub mod process;
pub mod reference;
pub mod template;
pub mod tls;
pub mod trial;
pub mod wire;
