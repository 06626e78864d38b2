//! The `upward` command.
fn main() {}
