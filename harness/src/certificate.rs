//! The certificates of a run: the authority that the client is told to trust, the genuine certificate,
//! and the bad ones that an attacker could present.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use upward_model::client::Peer;
use upward_model::protocol::WRONG_NAME;

/// The name in the genuine certificate.
pub const HOST: &str = "localhost";

/// An error while certificates are created.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The certificate could not be made.
    #[error("failed to make a certificate: {0}")]
    Make(#[from] rcgen::Error),
    /// TLS could not be configured with it.
    #[error("failed to configure TLS: {0}")]
    Configure(#[from] rustls::Error),
}

/// The certificates of a run.
#[derive(Clone, Debug)]
pub struct Certificates {
    /// The authority to trust, as PEM.
    pub ca: String,
    /// An authority that signed none of them, as PEM: a client that trusts only this one must reject
    /// even the genuine certificate.
    pub other_ca: String,
    genuine: Arc<ServerConfig>,
    untrusted: Arc<ServerConfig>,
    wrong_name: Arc<ServerConfig>,
    expired: Arc<ServerConfig>,
    other_host: Arc<ServerConfig>,
}

/// An authority, with its signing key.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new(name: &str) -> Result<Self, CertificateError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key)?;
        Ok(Self { pem: certificate.pem(), issuer: Issuer::new(params, key) })
    }

    fn server(
        &self,
        names: Vec<SanType>,
        expired: bool,
    ) -> Result<Arc<ServerConfig>, CertificateError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "upward test server");
        params.subject_alt_names = names;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        if expired {
            params.not_before = date_time_ymd(2001, 1, 1);
            params.not_after = date_time_ymd(2002, 1, 1);
        }
        let certificate = params.signed_by(&key, &self.issuer)?;
        let chain: Vec<CertificateDer<'static>> = vec![certificate.der().clone()];
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        // No resumption: every run presents the certificate again.
        config.send_tls13_tickets = 0;
        Ok(Arc::new(config))
    }
}

/// The one crypto provider of this project, passed explicitly everywhere.
pub fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn dns(name: &str) -> Result<SanType, CertificateError> {
    Ok(SanType::DnsName(name.try_into()?))
}

impl Certificates {
    /// Creates all of them.
    ///
    /// # Errors
    ///
    /// If the crypto library fails; this does not depend on the user.
    pub fn new() -> Result<Self, CertificateError> {
        let trusted = Authority::new("upward test authority")?;
        let stranger = Authority::new("upward untrusted authority")?;
        let local = || -> Result<Vec<SanType>, CertificateError> {
            Ok(vec![
                dns(HOST)?,
                SanType::IpAddress(std::net::Ipv4Addr::LOCALHOST.into()),
                SanType::IpAddress(std::net::Ipv6Addr::LOCALHOST.into()),
            ])
        };
        Ok(Self {
            genuine: trusted.server(local()?, false)?,
            untrusted: stranger.server(local()?, false)?,
            wrong_name: trusted.server(vec![dns(WRONG_NAME)?], false)?,
            expired: trusted.server(local()?, true)?,
            other_host: trusted.server(vec![dns("other.localhost")?], false)?,
            ca: trusted.pem,
            other_ca: Authority::new("upward second authority")?.pem,
        })
    }

    /// The configuration of a server that presents this certificate.
    pub fn server(&self, peer: Peer) -> Arc<ServerConfig> {
        Arc::clone(match peer {
            Peer::Genuine => &self.genuine,
            Peer::Untrusted => &self.untrusted,
            Peer::WrongName => &self.wrong_name,
            Peer::Expired => &self.expired,
            Peer::OtherHost => &self.other_host,
        })
    }
}
