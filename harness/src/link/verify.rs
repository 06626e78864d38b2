//! Certificate checks that let the model's client decide.
//!
//! The real checks of rustls-webpki run. Their result is recorded and the handshake goes on, so that a
//! flawed client can accept a certificate that a sound client rejects.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use upward_model::client::Peer;

use crate::certificate::provider;

/// An error in the authority's certificate.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The PEM text holds no certificate.
    #[error("failed to read the authority's certificate: {0}")]
    Read(#[from] rustls::pki_types::pem::Error),
    /// The certificate cannot be a trust anchor.
    #[error("failed to trust the authority's certificate: {0}")]
    Trust(#[from] Error),
    /// No verifier can be built from it.
    #[error("failed to build a verifier: {0}")]
    Build(#[from] rustls::client::VerifierBuilderError),
}

/// Records what kind of certificate the peer presented.
#[derive(Debug)]
pub(crate) struct Verifier {
    checks: Arc<WebPkiServerVerifier>,
    peer: Arc<Mutex<Peer>>,
}

impl Verifier {
    pub(crate) fn new(ca: &str) -> Result<Self, VerifyError> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ca.as_bytes())?)?;
        let checks =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build()?;
        Ok(Self { checks, peer: Arc::new(Mutex::new(Peer::Untrusted)) })
    }

    /// The kind of peer in the last handshake.
    pub(super) fn peer(&self) -> Peer {
        *self.peer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A client configuration with this verifier and no resumption.
    pub(super) fn config(&self) -> Arc<ClientConfig> {
        let noting =
            Arc::new(Self { checks: Arc::clone(&self.checks), peer: Arc::clone(&self.peer) });
        let versions = rustls::ALL_VERSIONS;
        let builder =
            ClientConfig::builder_with_provider(provider()).with_protocol_versions(versions);
        // The provider and its versions belong together: this cannot fail.
        let builder = builder.unwrap_or_else(|_| {
            ClientConfig::builder_with_protocol_versions(&[&rustls::version::TLS13])
        });
        let mut config =
            builder.dangerous().with_custom_certificate_verifier(noting).with_no_client_auth();
        config.resumption = rustls::client::Resumption::disabled();
        Arc::new(config)
    }
}

/// The kind of peer that a certificate check shows. Calls `is_other_host` only if the name does not
/// match.
fn shown(check: Result<ServerCertVerified, Error>, is_other_host: impl FnOnce() -> bool) -> Peer {
    match check {
        Ok(_) => Peer::Genuine,
        Err(Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        )) => Peer::Expired,
        Err(Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => {
            if is_other_host() {
                Peer::OtherHost
            } else {
                Peer::WrongName
            }
        }
        Err(_) => Peer::Untrusted,
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let check = |name: &ServerName<'_>| {
            self.checks.verify_server_cert(end_entity, intermediates, name, ocsp_response, now)
        };
        let is_other_host =
            || ServerName::try_from("other.localhost").is_ok_and(|name| check(&name).is_ok());
        let peer = shown(check(server_name), is_other_host);
        *self.peer.lock().unwrap_or_else(PoisonError::into_inner) = peer;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.checks.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.checks.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.checks.supported_verify_schemes()
    }
}
