//! Certificate checks that let the model's client decide.
//!
//! The real checks of rustls-webpki run; their result is noted and the handshake goes on, so that a
//! flawed client can accept what a sound one refuses.

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

/// What can be wrong with the authority that is to be trusted.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The PEM text holds no certificate.
    #[error("failed to read the authority's certificate: {0}")]
    Read(#[from] rustls::pki_types::pem::Error),
    /// The certificate is not one to trust.
    #[error("failed to trust the authority's certificate: {0}")]
    Trust(#[from] Error),
    /// No verifier can be built from it.
    #[error("failed to build a verifier: {0}")]
    Build(#[from] rustls::client::VerifierBuilderError),
}

/// Notes what kind of certificate the peer showed.
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

    /// What the last handshake showed.
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

    fn judge(&self, result: Result<ServerCertVerified, Error>, other: bool) -> Peer {
        match result {
            Ok(_) => Peer::Genuine,
            Err(Error::InvalidCertificate(
                CertificateError::Expired | CertificateError::ExpiredContext { .. },
            )) => Peer::Expired,
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if other => Peer::OtherHost,
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Peer::WrongName,
            Err(_) => Peer::Untrusted,
        }
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
        let other = ServerName::try_from("other.localhost").is_ok_and(|name| check(&name).is_ok());
        let peer = self.judge(check(server_name), other);
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
