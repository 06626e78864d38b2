//! `upward explore`: stateright's explorer in the browser, or the same world for SPIN.

use clap::Args;
use upward_model::check;
use upward_model::client::Negotiator;
use upward_model::policy::Policy;
use upward_model::promela::promela;
use upward_model::world::{Attacker, Setting, World};

use crate::catalogue::EXAMPLE;
use crate::cli::{Failure, PolicyName, protocol};

/// Serves stateright's explorer of a protocol on the loopback interface, or prints the same world as
/// a Promela model.
#[derive(Args, Clone, Debug)]
pub(super) struct Explore {
    /// The protocol.
    #[arg(short, long, default_value = EXAMPLE.name)]
    protocol: String,
    /// The policy.
    #[arg(long, value_enum, default_value_t = PolicyName::Required)]
    policy: PolicyName,
    /// The port on 127.0.0.1.
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// Print the world as a Promela model for SPIN instead; its head says how to explore it.
    #[arg(long, conflicts_with = "port")]
    promela: bool,
}

impl Explore {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let protocol = protocol(&self.protocol)?;
        let policy = Policy::from(self.policy);
        let client = Negotiator::sound(protocol, policy);
        let world = World::new(protocol, client, vec![policy], Setting::of(Attacker::Active));
        if self.promela {
            out!("{}", promela(&world));
            return Ok(0);
        }
        eprintln!("http://127.0.0.1:{}/ until Ctrl-C", self.port);
        check::explore(world, ("127.0.0.1", self.port));
        Ok(0)
    }
}
