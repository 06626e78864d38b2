//! Sends one mail with lettre, TLS required. Arguments: host, port, file with the authority to trust,
//! user, password, data.

use std::error::Error;

use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Message, SmtpTransport, Transport};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [host, port, ca, user, password, body] = &arguments[..] else {
        println!("lettre 0.11.23");
        return Ok(());
    };
    let tls = TlsParameters::builder(host.clone())
        .certificate_store(CertificateStore::None)
        .add_root_certificate(Certificate::from_pem(&std::fs::read(ca)?)?)
        .build()?;
    let transport = SmtpTransport::builder_dangerous(host)
        .port(port.parse()?)
        .tls(Tls::Required(tls))
        .hello_name(ClientId::Domain("client.example".to_owned()))
        .credentials(Credentials::new(user.clone(), password.clone()))
        .build();
    let mail = Message::builder()
        .from("a@example.org".parse()?)
        .to("b@example.org".parse()?)
        .subject("t")
        .body(body.clone())?;
    transport.send(&mail)?;
    Ok(())
}
