//! The client under test as a function: called on a thread of its own; its result takes the place of an
//! exit code.

use std::any::Any;
use std::fmt::Display;
use std::net::Ipv4Addr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use upward_model::policy::Policy;
use upward_model::protocol::Protocol;

use super::{Carries, InProcess, InProcessError, Visit};
use crate::canary::Canaries;
use crate::catalogue;
use crate::certificate::{Certificates, HOST};
use crate::evidence::End;
use crate::link::Listening;
use crate::scene::Scene;
use crate::subject::{Deserted, Destination, SubjectError, UserReport};
use crate::suite::launch::seed;
use crate::suite::subject::{Known, Launched, Subject};
use crate::suite::{PATIENCE, SuiteError};
use crate::trial::Stagehand;

/// How long a call that does not yield may go on after its deadline.
const GRACE: Duration = Duration::from_secs(1);

/// The function, and what each call of it needs.
#[derive(Clone)]
pub(super) struct Function {
    call: Arc<dyn Fn(Visit) -> Finish + Send + Sync>,
    protocol: &'static Protocol,
    policy: Policy,
    deadline: Duration,
    carries_body: bool,
    /// The folder of the authorities' certificates, removed with the last clone.
    authorities: Arc<TempDir>,
    known: Known,
    seed: Arc<AtomicU64>,
    place: Place,
}

/// The folder for the recorded bytes of this test target's runs, and the command that repeats a run.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    folder: PathBuf,
    again: String,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Finish {
    /// It returned `Ok`.
    Delivered,
    /// It returned this error.
    Failed(String),
    /// It panicked, with these words.
    Panicked(String),
    /// It had not returned at the deadline.
    Hung,
}

impl Function {
    pub(super) fn new<C, F, E>(
        asked: &InProcess,
        protocol: &'static Protocol,
        client: C,
    ) -> Result<Self, InProcessError>
    where
        C: Fn(Visit) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), E>>,
        E: Display,
    {
        let codec = catalogue::by_name(protocol.name)
            .ok_or_else(|| InProcessError::NoCodec(protocol.name.to_owned(), catalogue::names()))?
            .codec();
        let carries_body = asked.carries == Carries::AsUsual && codec.carries_body();
        let certificates = Certificates::new()?;
        let authorities = TempDir::with_prefix("upward-")?;
        std::fs::write(authorities.path().join("ca.pem"), &certificates.ca)?;
        std::fs::write(authorities.path().join("other-ca.pem"), &certificates.other_ca)?;
        let stagehand = Stagehand::new(codec, Arc::new(certificates), PATIENCE.1);
        let deadline = asked.deadline;
        Ok(Self {
            call: Arc::new(move |visit| call(&client, visit, deadline)),
            protocol,
            policy: asked.policy,
            deadline,
            carries_body,
            authorities: Arc::new(authorities),
            known: Known::nothing(stagehand),
            seed: Arc::new(AtomicU64::new(seed())),
            place: Place::of_this_target(),
        })
    }

    /// Calls the function on a thread of its own: it may block, and its future need not be `Send`.
    async fn call(&self, visit: Visit) -> Finish {
        let (tell, told) = tokio::sync::oneshot::channel();
        let function = Arc::clone(&self.call);
        let thread = std::thread::Builder::new().name("client".to_owned());
        let started = thread.spawn(move || {
            let finish = catch_unwind(AssertUnwindSafe(|| function(visit)));
            let _ = tell.send(finish.unwrap_or_else(|panic| Finish::Panicked(words(&*panic))));
        });
        if let Err(error) = started {
            return Finish::Failed(format!("no thread could be started for it: {error}"));
        }
        match tokio::time::timeout(self.deadline + GRACE, told).await {
            Ok(Ok(finish)) => finish,
            Ok(Err(_)) | Err(_) => Finish::Hung,
        }
    }

    /// Writes the recorded bytes of a vector's run. Controls write no files, since several processes
    /// would write the same ones.
    pub(super) fn keep(&self, id: &str, wire: &str) -> std::io::Result<()> {
        let folder = self.folder(id);
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("wire.txt"), wire)
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.place.folder.join(name.replace('/', "-"))
    }
}

/// Runs the function until it returns, or to its deadline; the tasks that it has spawned end with it.
fn call<C, F, E>(client: &C, visit: Visit, deadline: Duration) -> Finish
where
    C: Fn(Visit) -> F,
    F: Future<Output = Result<(), E>>,
    E: Display,
{
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Finish::Failed(format!("no runtime could be had for it: {error}")),
    };
    let result = runtime.block_on(async {
        let running = AssertUnwindSafe(client(visit));
        tokio::time::timeout(deadline, running.0).await
    });
    runtime.shutdown_background();
    match result {
        Ok(Ok(())) => Finish::Delivered,
        Ok(Err(error)) => Finish::Failed(error.to_string()),
        Err(_) => Finish::Hung,
    }
}

/// The message of a panic.
fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

impl Finish {
    const fn told(&self) -> UserReport {
        match self {
            Self::Delivered => UserReport::Success,
            Self::Failed(_) | Self::Panicked(_) | Self::Hung => UserReport::Failure,
        }
    }

    /// The end in words, to follow "ended with".
    fn exit(&self) -> String {
        match self {
            Self::Delivered => "`Ok`".to_owned(),
            Self::Failed(error) => format!("the error `{error}`"),
            Self::Panicked(words) => format!("a panic: {words}"),
            Self::Hung => "no result at the deadline".to_owned(),
        }
    }

    fn output(&self) -> Vec<u8> {
        match self {
            Self::Failed(text) | Self::Panicked(text) => text.clone().into_bytes(),
            Self::Delivered | Self::Hung => Vec::new(),
        }
    }
}

impl Subject for Function {
    fn protocol(&self) -> &'static Protocol {
        self.protocol
    }

    fn policy(&self) -> Policy {
        self.policy
    }

    fn known(&self) -> &Known {
        &self.known
    }

    fn known_mut(&mut self) -> &mut Known {
        &mut self.known
    }

    async fn launch(
        &self,
        scene: &Scene,
        folder: &str,
        destination: Destination,
    ) -> Result<Launched, SuiteError> {
        let seed = self.seed.fetch_add(1, Ordering::Relaxed);
        let canaries = Arc::new(Canaries::new(seed.into()));
        let listening = Listening::bind().await.map_err(SubjectError::Listen)?;
        let nobody = Deserted::reserve()?;
        let certificates = &self.known.stagehand.certificates;
        let (ca, file) = match destination {
            Destination::OtherAuthority => (&certificates.other_ca, "other-ca.pem"),
            Destination::Persona | Destination::Deserted => (&certificates.ca, "ca.pem"),
        };
        let visit = Visit {
            host: HOST.to_owned(),
            ip: Ipv4Addr::LOCALHOST.into(),
            port: if destination == Destination::Deserted { nobody.port } else { listening.port },
            ca: ca.clone(),
            ca_file: self.authorities.path().join(file),
            user: canaries.user.clone(),
            password: canaries.password.clone(),
            body: canaries.body.clone(),
            policy: self.policy,
        };
        let began = Instant::now();
        let calling = async {
            let finish = self.call(visit).await;
            let end = End {
                claims_success: self.known.claims_success(finish.told()),
                crashed: matches!(finish, Finish::Panicked(_)),
                hung: finish == Finish::Hung,
                carries_body: self.carries_body,
                output: finish.output(),
                ..End::default()
            };
            Ok::<_, SuiteError>((end, (finish, began.elapsed())))
        };
        let carried = vec![canaries; scene.sessions.len()];
        let stagehand = &self.known.stagehand;
        let (trial, (finish, duration)) =
            stagehand.play(scene, &carried, listening, calling).await?;
        drop(nobody);
        let dropped = trial.record.dropped();
        let cut = dropped.is_something().then(|| dropped.to_string()).into_iter().collect();
        Ok(Launched {
            trial,
            told: finish.told(),
            exit: finish.exit(),
            output: finish.output(),
            duration,
            directory: self.folder(folder),
            cut,
        })
    }

    fn is_told_authority(&self) -> bool {
        // The caller always passes the authority.
        true
    }

    fn again(&self, id: &str) -> String {
        format!("{} --exact {id}", self.place.again)
    }
}

impl Place {
    /// The place of the running test target: `target/upward/NAME`, and how cargo runs it.
    fn of_this_target() -> Self {
        let program = std::env::current_exe().unwrap_or_default();
        Self::of(&program, std::env::var("CARGO_PKG_NAME").ok().as_deref())
    }

    /// Cargo names a test target `target/PROFILE/deps/NAME-HASH`.
    fn of(program: &std::path::Path, package: Option<&str>) -> Self {
        let stem = program.file_stem().unwrap_or_default().to_string_lossy();
        let is_hash = |hash: &str| hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit());
        let target = stem.rsplit_once('-').filter(|(_, hash)| is_hash(hash)).map(|(name, _)| name);
        let built = program.parent().filter(|folder| folder.ends_with("deps"));
        let root = built.and_then(|deps| deps.parent()?.parent());
        let again = match (target, package) {
            (Some(name), Some(package)) => format!("cargo test -p {package} --test {name} --"),
            _ => program.display().to_string(),
        };
        let folder = root.map_or_else(std::env::temp_dir, std::path::Path::to_path_buf);
        Self { folder: folder.join("upward").join(target.unwrap_or(&stem)), again }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn knows_how_it_is_run_again() {
        let place = |program, package| Place::of(Path::new(program), package);
        let program = "/x/target/debug/deps/upgrade-0123456789abcdef";
        let here = place(program, Some("mailer"));
        assert_eq!(here.again, "cargo test -p mailer --test upgrade --");
        assert_eq!(here.folder, Path::new("/x/target/upward/upgrade"));
        assert_eq!(place(program, None).again, program);
        assert_eq!(place("/bin/upgrade", Some("mailer")).again, "/bin/upgrade");
    }

    #[test]
    fn ends_in_words() {
        let visit = || Visit {
            host: String::new(),
            ip: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            ca: String::new(),
            ca_file: PathBuf::new(),
            user: String::new(),
            password: String::new(),
            body: String::new(),
            policy: Policy::Required,
        };
        let long = Duration::from_secs(60);
        let ok = call(&|_| async { Ok::<(), String>(()) }, visit(), long);
        assert_eq!((ok.told(), ok.exit().as_str()), (UserReport::Success, "`Ok`"));
        let error = call(&|_| async { Err::<(), _>("no TLS") }, visit(), long);
        assert_eq!(
            (error.told(), error.exit().as_str()),
            (UserReport::Failure, "the error `no TLS`")
        );
        let never = |_| std::future::pending::<Result<(), String>>();
        assert_eq!(call(&never, visit(), Duration::from_millis(1)), Finish::Hung);
    }
}
