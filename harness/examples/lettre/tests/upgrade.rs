//! Whether an attacker on the network can make the mailer give something away: one case a vector.

use std::process::ExitCode;

use upward::in_process::Visit;
use upward_example_lettre::{Account, send};

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
    // Whether it goes on in clear, and which certificates it takes. Without `only`, all vectors of the
    // standard tier are played.
    upward::in_process("smtp")
        .only("smtp/neg/capabilities-*")
        .only("smtp/neg/upgrade-*")
        .only("smtp/tls/*")
        .run(deliver)
}
