//! The matrix of each protocol, computed once for all tests.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock};

use upward_model::protocol::Protocol;
use upward_model::theorem::{Column, matrix};

/// The columns of a protocol's matrix.
pub(crate) fn matrix_of(protocol: &'static Protocol) -> &'static [Column] {
    static KNOWN: Mutex<BTreeMap<&str, &'static OnceLock<Vec<Column>>>> =
        Mutex::new(BTreeMap::new());
    let known =
        *KNOWN.lock().unwrap().entry(protocol.name).or_insert_with(|| Box::leak(Box::default()));
    known.get_or_init(|| matrix(protocol))
}
