//! The negotiation as a library, against the persona: a stream where nobody attacks, and nothing
//! given away where somebody does.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use upward::canary::Canaries;
use upward::catalogue::{self, CATALOGUE};
use upward::certificate::{Certificates, HOST};
use upward::evidence::{End, Lifted, Stage, gather};
use upward::link::Listening;
use upward::negotiate::{Connection, Negotiation, Refusal, TermsError, trusting};
use upward::scene::Scene;
use upward::trial::Stagehand;
use upward::vectors::committed;
use upward::wire::Record;
use upward_model::client::Peer;
use upward_model::policy::Policy;
use upward_model::protocol;
use upward_model::vector::{Certificate, Outcome, Point, Tier};

struct Theatre {
    stagehand: Stagehand,
    name: &'static str,
}

impl Theatre {
    fn of(name: &'static str) -> Self {
        let codec = catalogue::by_name(name).unwrap().codec();
        let certificates = Arc::new(Certificates::new().unwrap());
        Self { stagehand: Stagehand::new(codec, certificates, Duration::from_millis(300)), name }
    }

    fn negotiation(&self, policy: Policy) -> Negotiation {
        let mut roots = RootCertStore::empty();
        let ca = &self.stagehand.certificates.ca;
        roots.add(CertificateDer::from_pem_slice(ca.as_bytes()).unwrap()).unwrap();
        Negotiation::new(self.name, policy, HOST, trusting(roots).unwrap())
            .unwrap()
            .introduced_as("client.example")
            .unwrap()
    }

    /// Negotiates with the persona of a scene; what was seen is what a judge is given.
    async fn play(
        &self,
        scene: &Scene,
    ) -> (Result<Connection, Refusal>, upward::evidence::Evidence) {
        let canaries = Arc::new(Canaries::new(7));
        let listening = Listening::bind().await.unwrap();
        let port = listening.port;
        let record = Record::default();
        let persona = self.stagehand.persona(scene, &canaries);
        let (told, done) = tokio::sync::oneshot::channel::<()>();
        let serving = persona.serve(listening, record.clone(), async {
            let _ = done.await;
        });
        let running = async {
            let negotiation = self.negotiation(scene.policy());
            let result = negotiation.connect(("127.0.0.1", port)).await;
            let _ = told.send(());
            // The connection is closed, so that the persona comes to its end.
            result.map(|connection| match connection {
                Connection::Tls(stream) => (Some(stream), None),
                Connection::Clear(stream) => (None, Some(stream)),
            })
        };
        let (lifted, result): (Lifted, _) = tokio::join!(serving, running);
        let end = End { carries_body: self.stagehand.codec.carries_body(), ..End::default() };
        let sessions = scene.sessions.len();
        let carried = vec![canaries; sessions];
        let seen = gather(scene, &*self.stagehand.codec, &record, &lifted, &carried, &end);
        let connection = result.map(|connection| match connection {
            (Some(stream), _) => Connection::Tls(stream),
            (None, stream) => Connection::Clear(stream.unwrap()),
        });
        (connection, seen)
    }
}

/// What was said in clear is what may be: an introduction, the request, a goodbye.
fn gives_nothing_away(seen: &upward::evidence::Evidence) {
    assert!(seen.exposed.is_empty(), "{:?}", seen.exposed);
    let clear = seen.clear_messages.iter().filter(|words| words.stage != Stage::Unauthenticated);
    for words in clear {
        assert!(words.allowed, "{words:?}");
    }
}

#[tokio::test]
async fn an_honest_server_is_talked_to_inside_tls() {
    for name in CATALOGUE.iter().map(|entry| entry.protocol.name) {
        let theatre = Theatre::of(name);
        for policy in [Policy::Required, Policy::Implicit, Policy::Opportunistic] {
            let scene = Scene::honest(protocol::by_name(name).unwrap(), policy);
            let (result, seen) = theatre.play(&scene).await;
            let connection = result.unwrap_or_else(|why| panic!("{name} {policy:?}: {why}"));
            let Connection::Tls(stream) = connection else { panic!("{name} {policy:?}: in clear") };
            assert!(stream.get_ref().1.peer_certificates().is_some());
            gives_nothing_away(&seen);
        }
    }
}

/// Every smoke vector under a policy that needs TLS: refused, or TLS with the genuine peer.
#[tokio::test]
async fn an_attacker_gets_nothing() {
    let mut text = String::new();
    for name in CATALOGUE.iter().map(|entry| entry.protocol.name) {
        let theatre = Theatre::of(name);
        for vector in committed(name).unwrap().vectors {
            let meant = vector.tier == Tier::Smoke
                && vector.policy.needs_tls()
                && vector.first_session.is_none();
            if !meant {
                continue;
            }
            let scene = Scene::of(protocol::by_name(name).unwrap(), &vector);
            let (result, seen) = theatre.play(&scene).await;
            gives_nothing_away(&seen);
            let shown = match &result {
                Ok(Connection::Tls(_)) => {
                    assert_eq!(vector.peer.certificate, Certificate::Genuine, "{}", vector.id);
                    let before_tls = vector.reached < Point::Handshake;
                    let refused = vector.family() == "neg" && before_tls;
                    // Some attacks change nothing that every client has to look at.
                    let may = vector.sound.contains(&Outcome::Upgraded);
                    assert!(may || !refused, "{}", vector.id);
                    "TLS".to_owned()
                }
                Ok(Connection::Clear(_)) => panic!("{}: in clear", vector.id),
                // What is wrong with a certificate is told with the time.
                Err(Refusal::Handshake(_)) => "the TLS handshake failed".to_owned(),
                Err(refusal) => refusal.to_string(),
            };
            writeln!(text, "{:<44} {shown}", vector.id).unwrap();
        }
    }
    insta::assert_snapshot!(text);
}

/// Falls back to clear only where the policy says so.
#[tokio::test]
async fn an_opportunistic_client_goes_on_in_clear() {
    let theatre = Theatre::of("smtp");
    let vectors = committed("smtp").unwrap().vectors;
    let stripped = vectors.iter().find(|v| v.id == "smtp/neg/upgrade-454").unwrap();
    let mut scene = Scene::of(protocol::by_name("smtp").unwrap(), stripped);
    scene.sessions = vec![Policy::Opportunistic];
    let (result, _) = theatre.play(&scene).await;
    assert!(matches!(result.unwrap(), Connection::Clear(_)));
}

/// What a server answers to what begins with these words.
type Answers = &'static [(&'static str, &'static str)];

/// What servers say in the field, in words that are not the persona's: a greeting, and the answers to what
/// begins with these words.
const FIELD: [(&str, &str, Answers); 5] = [
    (
        "smtp",
        "220-mail.example ESMTP Exim 4.96\r\n220-We do not authorize the use\r\n220 of this system.\r\n",
        &[
            ("EHLO", "250-mail.example Hello\r\n250-SIZE 52428800\r\n250-STARTTLS\r\n250 HELP\r\n"),
            ("STARTTLS", "220 TLS go ahead\r\n"),
        ],
    ),
    (
        "smtp",
        "220 mail.example ready\r\n",
        &[
            ("EHLO", "250-mail.example\r\n250 STARTTLS\r\n"),
            ("STARTTLS", "220 mail.example ESMTP ready for TLS\r\n"),
        ],
    ),
    (
        "pop3",
        "+OK Dovecot ready.\r\n",
        &[
            ("CAPA", "+OK\r\nCAPA\r\nTOP\r\nUIDL\r\nSTLS\r\nUSER\r\nSASL PLAIN\r\n.\r\n"),
            ("STLS", "+OK Begin TLS negotiation now.\r\n"),
        ],
    ),
    (
        "pop3",
        "+OK Hello there. <12.34@mail.example>\r\n",
        &[
            ("CAPA", "+OK Here's what I can do:\r\nSTLS\r\nTOP\r\n.\r\n"),
            ("STLS", "+OK Begin SSL/TLS negotiation now.\r\n"),
        ],
    ),
    (
        "imap",
        "* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] Courier-IMAP ready.\r\n",
        &[
            ("a1 CAPABILITY", "* CAPABILITY IMAP4rev1 STARTTLS\r\na1 OK CAPABILITY completed\r\n"),
            ("a2 STARTTLS", "a2 OK Begin SSL/TLS negotiation now.\r\n"),
        ],
    ),
];

#[tokio::test]
async fn servers_in_the_field_are_understood() {
    for (name, greeting, answers) in FIELD {
        let theatre = Theatre::of(name);
        let config = theatre.stagehand.certificates.server(Peer::Genuine);
        let listening = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let to = listening.local_addr().unwrap();
        let serving = async {
            let mut stream = BufReader::new(listening.accept().await.unwrap().0);
            stream.write_all(greeting.as_bytes()).await.unwrap();
            for (asks, answer) in answers {
                let mut line = String::new();
                stream.read_line(&mut line).await.unwrap();
                assert!(line.starts_with(asks), "{greeting}{asks}: {line}");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
            TlsAcceptor::from(config).accept(stream).await.unwrap();
        };
        let negotiation = theatre.negotiation(Policy::Required);
        let negotiating = async {
            let connection = negotiation.connect(to).await;
            assert!(matches!(connection, Ok(Connection::Tls(_))), "{greeting}: {connection:?}");
        };
        tokio::join!(serving, negotiating);
    }
}

#[tokio::test]
async fn gives_up_on_silence_and_on_what_never_ends() {
    let theatre = Theatre::of("smtp");
    let silent = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let negotiation = theatre.negotiation(Policy::Required).deadline(Duration::from_millis(50));
    let refusal = negotiation.connect(silent.local_addr().unwrap()).await.unwrap_err();
    assert!(matches!(refusal, Refusal::TimedOut), "{refusal:?}");

    let endless = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let to = endless.local_addr().unwrap();
    let pouring = async {
        let (mut stream, _) = endless.accept().await.unwrap();
        while stream.write_all(b"220-and so on\r\n").await.is_ok() {}
    };
    let negotiation = theatre.negotiation(Policy::Required);
    let ((), result) = tokio::join!(pouring, negotiation.connect(to));
    let refusal = result.unwrap_err();
    assert!(matches!(refusal, Refusal::TooLong), "{refusal:?}");
}

#[test]
fn says_what_is_wrong_with_the_terms() {
    let config = || trusting(RootCertStore::empty()).unwrap();
    let terms = |protocol, server| Negotiation::new(protocol, Policy::Required, server, config());
    let said = |result: Result<Negotiation, TermsError>| result.err().map(|e| e.to_string());
    assert_eq!(said(terms("ldap", HOST)).unwrap(), "protocol `ldap` has no codec");
    assert_eq!(said(terms("smtp", "a b")).unwrap(), "server name `a b`: invalid dns name");
    for name in ["", "a b", "a\r\nAUTH PLAIN"] {
        assert!(terms("smtp", HOST).unwrap().introduced_as(name).is_err());
    }
}
