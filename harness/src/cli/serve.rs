//! `upward serve`: serves one vector to a client that is started by hand.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use upward_model::explain::Habits;
use upward_model::property::Property;

use crate::canary::Canaries;
use crate::catalogue;
use crate::certificate::{Certificates, HOST};
use crate::cli::run::NOTHING;
use crate::cli::{Failure, protocol, vector};
use crate::evidence::End;
use crate::judge::Verdict;
use crate::link::Listening;
use crate::results;
use crate::scene::Scene;
use crate::subject::FolderLock;
use crate::trial::{Stagehand, judge_vector};

/// Holds one vector open for a client that is started by hand, until Ctrl-C; then judges what was
/// seen on the wire.
#[derive(Args, Clone, Debug)]
pub(super) struct Serve {
    /// The vector's id.
    id: String,
    /// Where the certificate of the authority to trust is written, and what went over the wire.
    #[arg(long, default_value = "target/upward/serve")]
    directory: PathBuf,
    /// Seconds that the persona waits for a client with nothing to answer.
    #[arg(long, default_value_t = 5)]
    patience: u64,
}

impl Serve {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::new(format!("failed to start: {error}")))?;
        runtime.block_on(self.serve())
    }

    async fn serve(&self) -> Result<u8, Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::new(error.to_string());
        let vector = vector(&self.id)?;
        let protocol = protocol(&vector.peer.persona)?;
        let codec = catalogue::by_name(protocol.name)
            .ok_or_else(|| Failure::new(format!("protocol `{}` has no codec", protocol.name)))?
            .codec();
        let certificates = Certificates::new().map_err(|error| failed(&error))?;
        let _held = FolderLock::hold(&self.directory).map_err(|error| {
            failed(&error).help("give this one a folder of its own with --directory")
        })?;
        // The user may start the client in another folder.
        let ca = std::path::absolute(self.directory.join("ca.pem"));
        let ca = ca.map_err(|error| failed(&error))?;
        std::fs::write(&ca, &certificates.ca).map_err(|error| Failure::unwritten(&ca, &error))?;
        let stagehand =
            Stagehand::new(codec, Arc::new(certificates), Duration::from_secs(self.patience));
        let canaries = Arc::new(Canaries::new(u128::from(std::process::id())));
        let scene = Scene::of(protocol, &vector);
        let listening = Listening::bind().await.map_err(|error| failed(&error))?;
        outln!("{}\n  {}", vector.id, vector.summary);
        outln!("  host      {HOST}\n  port      {}", listening.port);
        outln!("  authority {}", ca.display());
        outln!(
            "  user      {}\n  password  {}\n  body      {}",
            canaries.user,
            canaries.password,
            canaries.body
        );
        // From now on, Ctrl-C is noticed at any time.
        let mut interrupted = signal(SignalKind::interrupt()).map_err(|error| failed(&error))?;
        outln!("start the client now; Ctrl-C ends and judges");
        let by_hand = async {
            let _ = interrupted.recv().await;
            let carries_body = stagehand.codec.carries_body();
            Ok::<_, Infallible>((End { carries_body, ..End::default() }, ()))
        };
        let Ok((trial, ())) = stagehand.play(&scene, &[canaries], listening, by_hand).await;
        let rendered = trial.record.render();
        outln!("\n{rendered}");
        let wire = self.directory.join("wire.txt");
        std::fs::write(&wire, rendered).map_err(|error| Failure::unwritten(&wire, &error))?;
        if trial.evidence.run.is_empty() {
            return Err(Failure::new("no client connected: there is nothing to judge".to_owned())
                .code(NOTHING));
        }
        let mut judgement = judge_vector(&scene, &vector, Habits::default(), &trial.evidence);
        let shown = Property::NoClearTextShownAsTrusted.name();
        if judgement.verdict == Verdict::Pass && vector.properties.iter().any(|name| name == shown)
        {
            judgement.verdict = Verdict::Inconclusive;
            judgement.reason =
                format!("{}; what it showed to its user was not seen", judgement.reason);
        }
        let code = match judgement.verdict {
            Verdict::Fail => 1,
            Verdict::Inconclusive => NOTHING,
            _ => 0,
        };
        out!("{}", results::by_hand(&vector, &trial, judgement, &self.directory));
        outln!("  not seen  how the client ended, and what it showed to its user");
        Ok(code)
    }
}
