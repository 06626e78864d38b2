//! Vectors x (sound variants + flawed clients), over real sockets and real TLS: each judgement is
//! what the model computed.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

#[path = "common/bouts.rs"]
mod bouts;

use std::sync::Arc;

use upward::codec;
use upward::vectors::committed;
use upward_model::flaw::Flaws;
use upward_model::generate::flawed;
use upward_model::protocol::{IMAP, MANUAL, POP3, Protocol, SMTP};
use upward_model::variant::Variant;
use upward_model::vector::Tier;

use self::bouts::Bouts;

async fn check(protocol: &'static Protocol, tier: Tier) {
    let only = std::env::var("UPWARD_ONLY").unwrap_or_default();
    let parties: Vec<(Variant, Flaws)> = Variant::single()
        .into_iter()
        .map(|variant| (variant, Flaws::NONE))
        .chain(flawed(protocol).into_iter().map(|(variant, flaw)| (variant, flaw.into())))
        .collect();
    let vectors = committed(protocol.name).unwrap().vectors.into_iter();
    let bouts = Bouts {
        protocol,
        codec: Arc::from(codec::by_name(protocol.name).unwrap()),
        bouts: vectors
            .filter(|vector| vector.tier <= tier && vector.id.contains(&only))
            .map(|vector| (vector, parties.clone()))
            .collect(),
        driven: &|client| client,
        evidence: |_| {},
        first_only: false,
    };
    let complaints = bouts.complaints().await;
    assert!(
        complaints.is_empty(),
        "{}\n{} in all",
        complaints[..complaints.len().min(400)].join("\n"),
        complaints.len()
    );
}

#[tokio::test]
async fn manual() {
    check(&MANUAL, Tier::Full).await;
}

#[tokio::test]
async fn imap() {
    check(&IMAP, Tier::Standard).await;
}

#[tokio::test]
async fn smtp() {
    check(&SMTP, Tier::Standard).await;
}

#[tokio::test]
async fn pop3() {
    check(&POP3, Tier::Standard).await;
}
