//! The vectors of each protocol that is played, generated once for all tests.

use std::path::Path;
use std::sync::LazyLock;

use upward_model::generate::{Generated, generate};
use upward_model::protocol::{PROTOCOLS, Protocol};

use crate::in_parallel::in_parallel;

/// The protocols with a committed file of vectors, and what is generated for them.
pub(crate) static GENERATED: LazyLock<Vec<(&'static Protocol, Generated)>> = LazyLock::new(|| {
    let vectors = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors"));
    let is_played =
        |protocol: &&'static Protocol| vectors.join(format!("{}.json", protocol.name)).is_file();
    let played: Vec<&'static Protocol> = PROTOCOLS.into_iter().filter(is_played).collect();
    assert!(!played.is_empty(), "no vectors in {}", vectors.display());
    in_parallel(played, |protocol| (protocol, generate(protocol)))
});
