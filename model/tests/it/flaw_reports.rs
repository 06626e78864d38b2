//! What each flaw breaks in each protocol, computed once for all tests.

use std::sync::LazyLock;

use upward_model::flaw::Flaw;
use upward_model::policy::Policy;
use upward_model::protocol::{PROTOCOLS, Protocol};
use upward_model::theorem::{FlawReport, Flawless};
use upward_model::world::Attacker;

use crate::in_parallel::in_parallel;

/// The reports of one protocol, one a flaw, in the order of [`Flaw::ALL`].
pub(crate) type Reports = (&'static Protocol, Vec<FlawReport>);

/// One session under `required` or two, and a network that attacks.
pub(crate) static REPORTS: LazyLock<Vec<Reports>> = LazyLock::new(|| {
    in_parallel(PROTOCOLS, |protocol| {
        let sound = Flawless::new(protocol, Policy::Required, Attacker::Active);
        (protocol, Flaw::ALL.iter().map(|&flaw| sound.report(flaw)).collect())
    })
});
