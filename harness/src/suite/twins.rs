//! What a client did in the runs of twins.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Mutex;
use upward_model::vector::PeerRecord;

use crate::evidence::Inside;

/// The runs of all twins of a client; clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Twins {
    runs: Arc<Mutex<BTreeMap<String, Arc<Mutex<Runs>>>>>,
}

/// The runs of one twin.
#[derive(Debug, Default)]
pub(super) struct Runs {
    first: Option<Inside>,
    pub(super) count: usize,
    /// Whether the runs differ in what the client sent.
    pub(super) differ: bool,
}

impl Runs {
    pub(super) fn add(&mut self, inside: Inside) {
        self.count += 1;
        match &mut self.first {
            Some(first) => {
                self.differ |= !first.is_same(&inside);
                // Whether a command is sent before an answer may depend on timing.
                if inside.pipelines() {
                    *first = inside;
                }
            }
            None => self.first = Some(inside),
        }
    }

    /// What the client sends in every run; `None` if the runs differ.
    pub(super) fn agreed(&self) -> Option<Inside> {
        self.first.clone().filter(|_| !self.differ)
    }
}

impl Twins {
    /// Adds a run that was played for another reason.
    pub(crate) async fn add(&self, peer: &PeerRecord, inside: Inside) {
        self.of_peer(peer).await.lock().await.add(inside);
    }

    /// The runs of the twin with this peer.
    pub(super) async fn of_peer(&self, peer: &PeerRecord) -> Arc<Mutex<Runs>> {
        let mut runs = self.runs.lock().await;
        Arc::clone(runs.entry(key(peer)).or_default())
    }
}

/// The key that distinguishes twins: the certificate, and what the server does inside TLS.
pub(super) fn key(peer: &PeerRecord) -> String {
    serde_json::to_string(peer).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use upward_model::policy::Policy;
    use upward_model::protocol::SMTP;

    use super::*;
    use crate::evidence::{Dialogue, Step};
    use crate::scene::Scene;

    fn says(word: &str) -> Inside {
        let step = Step { command: None, word: word.to_owned(), ahead: false };
        let dialogues = vec![Dialogue { steps: vec![step], waits: false }];
        Inside { dialogues, accepts_certificate: true, claims_success: Some(true) }
    }

    #[test]
    fn runs_that_differ_are_no_twin() {
        let mut runs = Runs::default();
        assert_eq!(runs.agreed(), None);
        runs.add(says("EHLO"));
        runs.add(says("EHLO"));
        assert_eq!(runs.agreed(), Some(says("EHLO")));
        runs.add(says("HELO"));
        assert_eq!(runs.agreed(), None);
    }

    #[test]
    fn a_client_that_goes_ahead_once_is_one_that_pipelines() {
        let mut ahead = says("EHLO");
        ahead.dialogues[0].steps[0].ahead = true;
        let mut runs = Runs::default();
        for inside in [says("EHLO"), ahead.clone(), says("EHLO")] {
            runs.add(inside);
        }
        assert_eq!(runs.agreed(), Some(ahead));
    }

    #[test]
    fn the_twin_of_a_vector_that_is_honest_inside_is_the_honest_server() {
        let vectors = crate::vectors::committed(SMTP.name).unwrap().vectors;
        let honest = key(&Scene::honest(&SMTP, Policy::Required).peer);
        let mut twins: BTreeMap<String, usize> = BTreeMap::new();
        for vector in vectors.iter().filter(|vector| vector.first_session.is_none()) {
            if let Some(twin) = Scene::of(&SMTP, vector).twin() {
                assert!(twin.peer.deviations.iter().all(|deviation| deviation.at.is_inside()));
                *twins.entry(key(&twin.peer)).or_default() += 1;
            }
        }
        assert!(twins[&honest] > 300, "{twins:?}");
        // Each further twin costs an additional run.
        assert!(twins.len() < 20, "{twins:?}");
    }
}
