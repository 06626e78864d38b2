//! A small client that negotiates TLS with [`upward::negotiate`], and its mistakes.

use std::error::Error;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufStream};
use upward::certificate::provider;
use upward::in_process::Visit;
use upward::negotiate::{Connection, Negotiation, Refusal, trusting};
use upward_model::message::Layer;
use upward_model::policy::Policy;

use super::dialogue::{Before, Turn, farewell, turns};

/// What the client does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mistake {
    None,
    /// Goes on in clear where there is no TLS.
    GoesOnInClear,
    /// Checks no certificate.
    TrustsAnybody,
    /// Says that all is well, whatever happened.
    SaysOk,
    /// Panics where there is no TLS.
    Panics,
    /// Does not return where there is no TLS.
    WaitsForEver,
    /// Sends no mail.
    NeverDelivers,
}

/// Delivers what there is to deliver, or fetches it.
pub(crate) async fn deliver(
    protocol: &str,
    visit: Visit,
    mistake: Mistake,
) -> Result<(), Box<dyn Error>> {
    let policy = match mistake {
        Mistake::GoesOnInClear => Policy::Opportunistic,
        _ => visit.policy,
    };
    let config = match mistake {
        Mistake::TrustsAnybody => anybody(),
        _ => authority(&visit.ca)?,
    };
    let negotiation = Negotiation::new(protocol, policy, &visit.host, config)?;
    let connected = negotiation.connect((visit.host.as_str(), visit.port)).await;
    let result = match connected {
        Ok(_) if mistake == Mistake::NeverDelivers => Err("no mail".into()),
        Ok(Connection::Tls(stream)) => {
            session(protocol, BufStream::new(stream), &visit, Layer::Tls).await
        }
        Ok(Connection::Clear(stream)) => {
            session(protocol, BufStream::new(stream), &visit, Layer::Clear).await
        }
        Err(refusal) => Err(refusal.into()),
    };
    let Err(error) = result else { return Ok(()) };
    let is_refused = matches!(error.downcast_ref(), Some(Refusal::Refused));
    match mistake {
        Mistake::SaysOk => Ok(()),
        Mistake::Panics if is_refused => panic!("{error}"),
        Mistake::WaitsForEver if is_refused => std::future::pending().await,
        _ => Err(error),
    }
}

async fn session<S: AsyncRead + AsyncWrite + Unpin>(
    protocol: &str,
    mut stream: BufStream<S>,
    visit: &Visit,
    layer: Layer,
) -> Result<(), Box<dyn Error>> {
    let plain = STANDARD.encode(format!("\0{}\0{}", visit.user, visit.password));
    for Turn { says, ends, before } in turns(protocol, visit, layer, &plain) {
        stream.write_all(format!("{says}\r\n").as_bytes()).await?;
        stream.flush().await?;
        expect(&mut stream, ends, before).await?;
    }
    stream.write_all(format!("{}\r\n", farewell(protocol)).as_bytes()).await?;
    stream.flush().await?;
    Ok(())
}

async fn expect<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufStream<S>,
    ends: &str,
    before: Before,
) -> Result<(), Box<dyn Error>> {
    let mut is_first = true;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Err("the connection was closed".into());
        }
        let has_ended = line.starts_with(ends) && line.as_bytes().get(ends.len()) != Some(&b'-');
        let may_go_on = match before {
            Before::Continued => line.starts_with(ends),
            Before::Any => !line.starts_with(&ends[..2]),
            Before::Listing => !is_first || line.starts_with("+OK"),
        };
        match (has_ended, may_go_on) {
            (true, _) => return Ok(()),
            (false, true) => is_first = false,
            (false, false) => return Err(format!("expected {ends}").into()),
        }
    }
}

fn authority(ca: &str) -> Result<Arc<ClientConfig>, Box<dyn Error>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.as_bytes())?)?;
    Ok(trusting(roots)?)
}

fn anybody() -> Arc<ClientConfig> {
    let versions = [&rustls::version::TLS13];
    let config = ClientConfig::builder_with_provider(provider()).with_protocol_versions(&versions);
    let config = config.unwrap().dangerous().with_custom_certificate_verifier(Arc::new(Anybody));
    Arc::new(config.with_no_client_auth())
}

#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}
