//! What a client does with the twins of vectors, played once for each behaviour inside TLS.
//!
//! The twins of most vectors are runs that the controls play anyway: the honest server, and the one that
//! is silent inside TLS.

use upward_model::vector::PeerRecord;

use crate::evidence::Inside;
use crate::scene::Scene;
use crate::subject::Destination;
use crate::suite::SuiteError;
use crate::suite::subject::Subject;
use crate::suite::twins::{Twins, key};

/// How many runs of a twin have to agree before a difference from it counts.
const AGREE: usize = 3;

/// How many runs of a twin are played at most. Each difference found adds one run, to detect a client
/// that does not do the same each time.
const MOST: usize = 8;

impl Twins {
    /// What the client sends to this twin, or `None` if its runs differ.
    pub(crate) async fn of(
        &self,
        client: &(impl Subject + Sync),
        twin: &Scene,
    ) -> Result<Option<Inside>, SuiteError> {
        self.at_least(client, twin, |_| 1).await
    }

    /// The same after a difference was found: plays the twin again.
    pub(crate) async fn confirmed(
        &self,
        client: &(impl Subject + Sync),
        twin: &Scene,
    ) -> Result<Option<Inside>, SuiteError> {
        self.at_least(client, twin, |count| (count + 1).clamp(AGREE, MOST)).await
    }

    async fn at_least(
        &self,
        client: &(impl Subject + Sync),
        twin: &Scene,
        wanted: impl Fn(usize) -> usize,
    ) -> Result<Option<Inside>, SuiteError> {
        let runs = self.of_peer(&twin.peer).await;
        let mut runs = runs.lock().await;
        let wanted = wanted(runs.count);
        while runs.count < wanted && !runs.differ {
            let folder = format!("twin-{}-{}", digest(&twin.peer), runs.count + 1);
            let launched = client.launch(twin, &folder, Destination::Persona).await?;
            runs.add(launched.trial.evidence.inside);
        }
        Ok(runs.agreed())
    }
}

/// A short name for a twin's folder: `honest`, or a number.
fn digest(peer: &PeerRecord) -> String {
    let honest = peer.deviations.is_empty()
        && peer.certificate == upward_model::vector::Certificate::Genuine;
    if honest {
        return "honest".to_owned();
    }
    let hash = key(peer).bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{:08x}", hash >> 32)
}
