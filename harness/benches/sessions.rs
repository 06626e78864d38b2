//! Vectors in process against a bare loop of the same sockets and handshakes, in the same run;
//! prints the ratio.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};
use upward::catalogue;
use upward::certificate::{Certificates, provider};
use upward::scene::Scene;
use upward::trial::{Stagehand, against_reference, judge_honest};
use upward_model::client::{Negotiator, Peer};
use upward_model::policy::Policy;
use upward_model::protocol::SMTP;

/// Rounds of a bare loop and of runs in turn, so that both meet the same machine.
const ROUNDS: usize = 41;

/// Sessions of each kind in a round.
const SESSIONS: u32 = 50;

type Failed = Box<dyn std::error::Error>;

fn main() -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let certificates = Arc::new(Certificates::new()?);
    let (mut rates, mut recorded, mut judged) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let bare = runtime.block_on(bare(&certificates))?.as_secs_f64();
        let (run, with_verdict) = runtime.block_on(vectors(&certificates))?;
        rates.push(f64::from(SESSIONS) / bare);
        recorded.push(bare / run.as_secs_f64());
        judged.push(bare / with_verdict.as_secs_f64());
    }
    println!("bare loop: {:.0} sessions/s (median of {ROUNDS} rounds)", median(&mut rates));
    println!(
        "honest runs, persona and built-in client, recorded and lifted: {:.2} of the rate of the bare loop",
        median(&mut recorded)
    );
    println!("the same, judged: {:.2} of the rate of the bare loop", median(&mut judged));
    Ok(())
}

fn median(figures: &mut [f64]) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Listen, greeting, STARTTLS, full handshake, one command, close: nothing else.
async fn bare(certificates: &Certificates) -> Result<Duration, Failed> {
    let acceptor = TlsAcceptor::from(certificates.server(Peer::Genuine));
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(certificates.ca.as_bytes())?)?;
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = rustls::client::Resumption::disabled();
    let connector = TlsConnector::from(Arc::new(config));
    let began = Instant::now();
    for _ in 0..SESSIONS {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let server = async {
            let (mut stream, _) = listener.accept().await?;
            // Without it the kernel holds small segments back, and the loop measures its timer.
            stream.set_nodelay(true)?;
            let mut buffer = [0; 512];
            stream.write_all(b"220 ready\r\n").await?;
            let _ = stream.read(&mut buffer).await?;
            stream.write_all(b"220 go ahead\r\n").await?;
            let mut stream = acceptor.accept(stream).await?;
            let _ = stream.read(&mut buffer).await?;
            stream.write_all(b"250 ok\r\n").await?;
            stream.shutdown().await
        };
        let client = async {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
            stream.set_nodelay(true)?;
            let mut buffer = [0; 512];
            let _ = stream.read(&mut buffer).await?;
            stream.write_all(b"STARTTLS\r\n").await?;
            let _ = stream.read(&mut buffer).await?;
            let name = ServerName::try_from("localhost").map_err(std::io::Error::other)?;
            let mut stream = connector.connect(name, stream).await?;
            stream.write_all(b"EHLO x\r\n").await?;
            let _ = stream.read(&mut buffer).await?;
            stream.shutdown().await
        };
        tokio::try_join!(server, client)?;
    }
    Ok(began.elapsed())
}

/// The same number of honest runs of the suite: without judging, and with it.
async fn vectors(certificates: &Arc<Certificates>) -> Result<(Duration, Duration), Failed> {
    let entry = catalogue::by_name(SMTP.name).ok_or("SMTP can be played")?;
    let stagehand = Stagehand::new(entry.codec(), Arc::clone(certificates), Duration::from_secs(1));
    let scene = Scene::honest(&SMTP, Policy::Required);
    let client = Negotiator::sound(&SMTP, Policy::Required);
    let (mut run, mut judged) = (Duration::ZERO, Duration::ZERO);
    for seed in 0..SESSIONS {
        let began = Instant::now();
        let (trial, _) = against_reference(&stagehand, &scene, &client, seed.into()).await?;
        run += began.elapsed();
        let _ = judge_honest(&scene, &trial.evidence);
        judged += began.elapsed();
    }
    Ok((run, judged))
}
