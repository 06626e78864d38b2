//! The conformance harness: it plays vectors of the model against real programs and judges what
//! they did.

pub mod judge;
