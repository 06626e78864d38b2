//! Whether anybody on the network can have the mailer give something away: one case a vector.

use std::process::ExitCode;

use upward::in_process::Visit;
use upward_example_lettre::{Account, send};
use upward_model::vector::Tier;

async fn deliver(visit: Visit) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let account = Account {
        host: visit.host,
        port: visit.port,
        authority: visit.ca,
        user: visit.user,
        password: visit.password,
    };
    send(&account, &visit.body).await
}

fn main() -> ExitCode {
    // Quick: each known flaw once. Without `tier`, the standard one is played.
    upward::in_process("smtp").tier(Tier::Smoke).run(deliver)
}
