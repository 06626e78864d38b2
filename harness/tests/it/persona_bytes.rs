//! Whatever bytes a client sends, and however they are cut: the persona ends, records them all in
//! their order, and says of each message where it stood.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use upward::canary::Canaries;
use upward::catalogue::{self, CATALOGUE};
use upward::certificate::Certificates;
use upward::evidence::Lifted;
use upward::link::Listening;
use upward::scene::Scene;
use upward::trial::Stagehand;
use upward::wire::{Form, Record, Side, What};
use upward_model::explain::Event;
use upward_model::message::{Command, Layer, Mechanism, Piece, Reply, Segment};
use upward_model::policy::Policy;
use upward_model::protocol::{IMAP, Protocol, SMTP};
use upward_model::vector::{Deviation, Do, Meaning, Point, SegmentOf};

static CERTIFICATES: LazyLock<Arc<Certificates>> =
    LazyLock::new(|| Arc::new(Certificates::new().unwrap()));

/// Sends parts to an honest persona, one write each, and waits for its end.
fn served(protocol: &'static Protocol, policy: Policy, parts: &[Vec<u8>]) -> (Record, Lifted) {
    let scene = Scene::honest(protocol, policy);
    let (record, lifted, _) = played(&scene, parts, false);
    (record, lifted)
}

/// Sends parts to the persona of a scene, one write each; `waits`: and leaves the end to it. Also
/// what the persona said.
fn played(scene: &Scene, parts: &[Vec<u8>], waits: bool) -> (Record, Lifted, Vec<u8>) {
    let protocol = scene.protocol;
    let stagehand = Stagehand::new(
        catalogue::by_name(protocol.name).unwrap().codec(),
        Arc::clone(&CERTIFICATES),
        Duration::from_millis(100),
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listening = Listening::bind().await.unwrap();
        let port = listening.port;
        let record = Record::default();
        let persona = stagehand.persona(scene, &Arc::new(Canaries::new(3)));
        let (told, done) = tokio::sync::oneshot::channel::<()>();
        let serving = persona.serve(listening, record.clone(), async {
            let _ = done.await;
        });
        let client = async {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            stream.set_nodelay(true).unwrap();
            for part in parts {
                if stream.write_all(part).await.is_err() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            if !waits {
                let _ = stream.shutdown().await;
            }
            let mut said = Vec::new();
            let _ = stream.read_to_end(&mut said).await;
            let _ = told.send(());
            said
        };
        let both = async { tokio::join!(serving, client) };
        let (lifted, said) = tokio::time::timeout(Duration::from_secs(20), both).await.unwrap();
        (record, lifted, said)
    })
}

/// What the fuzz targets begin with: words of every protocol, one a line, between quotation marks.
fn dictionary() -> Vec<Vec<u8>> {
    let words: Vec<Vec<u8>> = include_str!("../../fuzz/words.dict")
        .lines()
        .filter_map(|line| line.strip_prefix('"')?.strip_suffix('"'))
        .map(unescaped)
        .collect();
    assert!(!words.is_empty());
    words
}

/// A word of the dictionary, which has `\xNN` for what cannot be printed.
fn unescaped(word: &str) -> Vec<u8> {
    let mut parts = word.split("\\x");
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend(part[2..].bytes());
    }
    bytes
}

fn words() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => proptest::sample::select(dictionary()),
        1 => proptest::collection::vec(any::<u8>(), 0..40),
        1 => Just(b"\x16\x03\x01\x00\x04\x01\x00\x00\x00".to_vec()),
        1 => Just(b"\x15\x03\x03\x00\x02\x02\x28".to_vec()),
    ]
}

fn any_protocol() -> impl Strategy<Value = &'static Protocol> {
    let protocols: Vec<_> = CATALOGUE.iter().map(|entry| entry.protocol).collect();
    proptest::sample::select(protocols)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn nothing_that_a_client_sends_is_lost(
        parts in proptest::collection::vec(words(), 0..12),
        protocol in any_protocol(),
        implicit in proptest::bool::weighted(0.2),
    ) {
        let policy = if implicit { Policy::Implicit } else { Policy::Required };
        let (record, lifted) = served(protocol, policy, &parts);
        let sent: Vec<u8> = parts.concat();
        let entries = record.entries();
        let began = entries.iter().any(|entry| matches!(entry.what, What::TlsFailed(_)));
        let heard: Vec<u8> = entries
            .iter()
            .filter_map(|entry| match &entry.what {
                What::Bytes { from: Side::Client, bytes, .. } => Some(bytes.clone()),
                _ => None,
            })
            .flatten()
            .collect();
        // What was taken for TLS at first and was none is recorded as both.
        prop_assert!(
            began || heard == sent,
            "sent {}\nheard {}", sent.escape_ascii(), heard.escape_ascii()
        );
        let clear = record.stream(0, Side::Client, Form::Clear);
        let mut end = 0;
        for sight in lifted.messages() {
            prop_assert!(
                sight.range.start >= end && sight.range.end <= clear.len(),
                "{sight:?} after {end}\n{}", record.render()
            );
            end = sight.range.end;
        }
        prop_assert_eq!(lifted.run().len(), 1);
    }
}

/// A last line that came together with a record that nobody waited for; a record in a login.
#[test]
fn what_stands_beside_an_unwanted_record_is_kept() {
    let record = b"\x16\x03\x01\x00\x04\x01\x00\x00\x00".to_vec();
    for entry in &CATALOGUE {
        let protocol = entry.protocol;
        let login = Command::Login(Mechanism::Own);
        let has_login = protocol.commands().contains(&login);
        let secret = if has_login { login } else { Command::Deliver };
        let said = entry.codec().client().say(secret, &Canaries::new(3));
        let secret = said.trim_ascii_end();
        let parts = [b"NOOP\r\n".to_vec(), record.clone(), [&record[..], secret].concat()];
        let (kept, lifted) = served(protocol, Policy::Required, &parts);
        let clear = kept.stream(0, Side::Client, Form::Clear);
        assert!(clear.ends_with(secret), "{}", kept.render());
        assert_eq!(lifted.messages().last().unwrap().range.end, clear.len());
    }
}

/// What comes in a segment of its own comes behind whatever the client says to the one before it,
/// and to a client that says nothing, once that has had its time.
#[test]
fn a_segment_of_its_own_comes_when_the_one_before_was_read() {
    let mut scene = Scene::honest(&SMTP, Policy::Required);
    scene.peer.deviations.push(Deviation {
        session: 1,
        connection: None,
        at: Point::Opening,
        action: Do::Append,
        text: Some("220-Behind\n".to_owned()),
        hex: None,
        meaning: vec![Meaning(Piece::Whole(Reply::Notice))],
        segment: Some(SegmentOf::Own),
    });
    let (greeting, behind) = ("220 localhost ESMTP\r\n", "220-Behind\r\n");
    let (record, _, said) = played(&scene, &[], true);
    assert_eq!(said, format!("{greeting}{behind}").as_bytes(), "{}", record.render());

    let parts = [b"EHLO a\r\n".to_vec(), b"QUIT\r\n".to_vec()];
    let (record, lifted, said) = played(&scene, &parts, true);
    let begin = format!("{greeting}{behind}250-localhost\r\n");
    assert!(said.starts_with(begin.as_bytes()), "{}", record.render());
    assert_eq!(
        lifted.run()[0][..3],
        [
            Event::Said {
                segment: Segment::one(Reply::Greeting),
                layer: Layer::Clear,
                answers: None
            },
            Event::Heard(Command::Hello, Layer::Clear),
            Event::Said {
                segment: Segment::one(Reply::Notice),
                layer: Layer::Clear,
                answers: None
            },
        ]
    );
}

/// What is forged before its command was said carries the tag that the client will use for it.
#[test]
fn a_forged_reply_carries_the_tag_that_is_answered() {
    let forged = |action, at, text: &str| {
        let mut scene = Scene::honest(&IMAP, Policy::Required);
        scene.peer.deviations.push(Deviation {
            session: 1,
            connection: None,
            at,
            action,
            text: Some(text.to_owned()),
            hex: None,
            meaning: vec![Meaning(Piece::Whole(Reply::Done))],
            segment: Some(SegmentOf::Same),
        });
        let parts = [b"x7 CAPABILITY\r\n".to_vec(), b"x8 STARTTLS\r\n".to_vec()];
        String::from_utf8(played(&scene, &parts, false).2).unwrap()
    };
    let two = "{tag} OK one\n{tag} OK two\n";
    let said = forged(Do::Append, Point::Capabilities, two);
    assert!(said.contains("x7 OK CAPABILITY completed\r\nx8 OK one\r\nx9 OK two\r\n"), "{said}");
    let said = forged(Do::Append, Point::Upgrade, "{tag} OK one\n");
    assert!(said.ends_with("x8 OK Begin TLS negotiation now\r\nx9 OK one\r\n"), "{said}");
    let said = forged(Do::Prepend, Point::Upgrade, "{tag} OK one\n");
    assert!(said.ends_with("x8 OK one\r\nx8 OK Begin TLS negotiation now\r\n"), "{said}");
    let said = forged(Do::Append, Point::Opening, "{tag} OK one\n");
    assert!(said.contains(" localhost ready\r\na1 OK one\r\n"), "{said}");
}
