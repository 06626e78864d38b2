//! A small mailer on lettre: one mail, over a connection on which STARTTLS is required.

use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

/// Whom to hand mail to, and as whom.
#[derive(Clone, Debug)]
pub struct Account {
    /// The server's name, as in its certificate.
    pub host: String,
    /// The server's port.
    pub port: u16,
    /// The authority to trust, as PEM.
    pub authority: String,
    /// Who logs in.
    pub user: String,
    /// With what.
    pub password: String,
}

/// Hands a text over.
///
/// # Errors
///
/// Where it was not handed over: lettre's own errors.
pub async fn send(
    account: &Account,
    text: &str,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let tls = TlsParameters::builder(account.host.clone())
        .certificate_store(CertificateStore::None)
        .add_root_certificate(Certificate::from_pem(account.authority.as_bytes())?)
        .build()?;
    let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&account.host)
        .port(account.port)
        .tls(Tls::Required(tls))
        .hello_name(ClientId::Domain("client.example".to_owned()))
        .credentials(Credentials::new(account.user.clone(), account.password.clone()))
        .build();
    let mail = Message::builder()
        .from("a@example.org".parse()?)
        .to("b@example.org".parse()?)
        .subject("t")
        .body(text.to_owned())?;
    transport.send(mail).await?;
    Ok(())
}
