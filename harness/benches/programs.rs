//! Vectors against curl, as a process, against spawning curl the same number of times against a bare
//! loop, as many at once; prints the ratio.

use std::path::Path;
use std::process::Stdio;

use std::sync::Mutex;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use upward::certificate::Certificates;
use upward::process::Keeper;
use upward::profile;
use upward::results::Report;
use upward::suite::{self, Job};
use upward::vectors;
use upward_model::client::Peer;
use upward_model::policy::Policy;
use upward_model::protocol::SMTP;
use upward_model::vector::{Deviation, Do, Tier, Vector};

/// How many clients run at once, on both sides.
const JOBS: usize = 2;

type Failed = Box<dyn std::error::Error>;

/// What keeps the client.
const KEEPER: &str = env!("CARGO_BIN_EXE_upward");

fn main() -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-programs");
    std::fs::create_dir_all(&folder)?;
    let profiles = profile::bundled()?;
    let profile = profiles.into_iter().find(|profile| profile.name == "curl").ok_or("no curl")?;
    if runtime.block_on(profile::probe(&profile, &Keeper::new(KEEPER))) == profile::Installed::No {
        println!("not run: curl is not installed");
        return Ok(());
    }
    // Where something is withheld, or comes without its end, the suite waits by design.
    let waits = |vector: &Vector| {
        let holds = |d: &Deviation| {
            d.action == Do::Withhold || d.meaning.iter().any(|meant| meant.0.is_fragment())
        };
        vector.peer.deviations.iter().any(holds)
    };
    let vectors: Vec<Vector> = vectors::committed(SMTP.name)?
        .vectors
        .into_iter()
        .filter(|vector| vector.policy == Policy::Required && vector.first_session.is_none())
        .filter(|vector| vector.tier <= Tier::Standard && !waits(vector))
        .collect();
    let job = Job {
        protocol: &SMTP,
        policy: Policy::Required,
        vectors,
        profile,
        jobs: JOBS,
        patience: None,
        deadline: Duration::from_secs(20),
        directory: folder.join("suite"),
        isolation: None,
        keeper: Keeper::new(KEEPER),
        again: String::new(),
    };
    let (_keep, stop) = watch::channel(false);
    println!("curl, {JOBS} at once");
    let (report, suite, runs) = runtime.block_on(play(&job, &stop))?;
    compare(&runtime, &folder, "all of standard that holds nothing back", suite, runs)?;
    // Some clients wait for what does not come, and the persona for them.
    let quick = report.rows.iter().filter(|row| row.duration_ms <= 100);
    let vectors: Vec<Vector> = quick.map(|row| row.vector.clone()).collect();
    let waited = report.rows.len() - vectors.len();
    let (_, suite, runs) = runtime.block_on(play(&Job { vectors, ..job }, &stop))?;
    let what = format!("the same without {waited} where one waits for the other");
    compare(&runtime, &folder, &what, suite, runs)
}

/// Plays a job. The time is that from the first result to the last, without the controls, some of which
/// wait by design; so one run fewer is counted.
async fn play(
    job: &Job,
    stop: &watch::Receiver<bool>,
) -> Result<(Report, Duration, usize), Failed> {
    let times = Mutex::new(Vec::new());
    let note = |_: &_| {
        if let Ok(mut times) = times.lock() {
            times.push(Instant::now());
        }
    };
    let report = suite::run(job, &note, stop).await?;
    let times = times.into_inner()?;
    let (Some(first), Some(last)) = (times.first(), times.last()) else {
        return Err("nothing was played".into());
    };
    Ok((report, last.duration_since(*first), times.len() - 1))
}

fn compare(
    runtime: &Runtime,
    folder: &Path,
    what: &str,
    suite: Duration,
    runs: usize,
) -> Result<(), Failed> {
    let bare = runtime.block_on(bare(folder, runs))?;
    let each = |time: Duration| time.as_secs_f64() * 1000.0 / runs as f64;
    println!(
        "  {what}: {runs} runs, {:.1} ms each, {:.2} times as long as spawning curl against a bare loop ({:.1} ms)",
        each(suite),
        suite.as_secs_f64() / bare.as_secs_f64(),
        each(bare)
    );
    Ok(())
}

/// Spawns curl this many times against a server that only delivers.
async fn bare(folder: &Path, runs: usize) -> Result<Duration, Failed> {
    let certificates = Certificates::new()?;
    let ca = folder.join("ca.pem");
    std::fs::write(&ca, &certificates.ca)?;
    std::fs::write(folder.join("mail"), "Subject: t\r\n\r\ntext\r\n")?;
    let acceptor = TlsAcceptor::from(certificates.server(Peer::Genuine));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("smtp://localhost:{}", listener.local_addr()?.port());
    let server = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, acceptor.clone()));
        }
    });
    let began = Instant::now();
    let mut running = JoinSet::new();
    for _ in 0..runs {
        if running.len() == JOBS {
            delivered(running.join_next().await)?;
        }
        let mut curl = Command::new("curl");
        curl.args(["-sS", "--ssl-reqd", "-u", "user:password", "--mail-from", "a@example.org"])
            .args(["--mail-rcpt", "b@example.org", "--cacert"])
            .arg(&ca)
            .arg("-T")
            .arg(folder.join("mail"))
            .arg(&url)
            .stdin(Stdio::null());
        running.spawn(async move { curl.status().await });
    }
    while !running.is_empty() {
        delivered(running.join_next().await)?;
    }
    let took = began.elapsed();
    server.abort();
    Ok(took)
}

type Ended = Option<Result<std::io::Result<std::process::ExitStatus>, tokio::task::JoinError>>;

fn delivered(ended: Ended) -> Result<(), Failed> {
    let Some(status) = ended else { return Err("no client was running".into()) };
    if status??.success() { Ok(()) } else { Err("curl did not deliver to the bare loop".into()) }
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    stream.get_mut().write_all(b"220 ready\r\n").await?;
    converse(&mut stream).await?;
    let mut stream = BufReader::new(acceptor.accept(stream.into_inner()).await?);
    converse(&mut stream).await
}

/// Answers commands until TLS is to begin, or the client leaves.
async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufReader<S>,
) -> std::io::Result<()> {
    let mut line = String::new();
    let mut body = false;
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let answer: &[u8] = match line.split_ascii_whitespace().next().unwrap_or_default() {
            "." if body => {
                body = false;
                b"250 taken\r\n"
            }
            _ if body => continue,
            "EHLO" => b"250-localhost\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n",
            "STARTTLS" => b"220 go ahead\r\n",
            "AUTH" if line.split_ascii_whitespace().count() < 3 => b"334 \r\n",
            "MAIL" | "RCPT" => b"250 ok\r\n",
            "DATA" => {
                body = true;
                b"354 go on\r\n"
            }
            "QUIT" => b"221 bye\r\n",
            // The password of an AUTH in two steps, or in one.
            _ => b"235 welcome\r\n",
        };
        stream.get_mut().write_all(answer).await?;
        if line.starts_with("STARTTLS") {
            return Ok(());
        }
    }
}
