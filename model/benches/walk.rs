//! Our walker against stateright, on the same worlds in the same run; prints ratios.

use std::time::{Duration, Instant};

use upward_model::check::check;
use upward_model::client::Negotiator;
use upward_model::policy::Policy;
use upward_model::protocol::{PROTOCOLS, SMTP};
use upward_model::theorem::matrix;
use upward_model::walk::walk;
use upward_model::world::{Attacker, Setting, World};

fn main() {
    for sessions in [vec![Policy::Required], vec![Policy::Opportunistic, Policy::Required]] {
        let world = || {
            let client = Negotiator {
                sessions: sessions.clone(),
                ..Negotiator::sound(&SMTP, Policy::Required)
            };
            World::new(&SMTP, client, sessions.clone(), Setting::of(Attacker::Active))
        };
        let (walked, ours) = best(|| walk(&world(), None).states);
        let (_, theirs) = best(|| check(world()).states);
        println!(
            "smtp, {} session(s), {walked} states: walker {ours:.1?}, stateright depth first {theirs:.1?}, ratio {:.2}",
            sessions.len(),
            theirs.as_secs_f64() / ours.as_secs_f64()
        );
    }
    let began = Instant::now();
    for protocol in PROTOCOLS {
        let began = Instant::now();
        let walks = matrix(protocol).len();
        println!("matrix of {}: {walks} walks in {:.2?}", protocol.name, began.elapsed());
    }
    println!("all matrices: {:.2?}", began.elapsed());
}

/// The best of three.
fn best<R>(mut run: impl FnMut() -> R) -> (R, Duration) {
    let mut once = || {
        let began = Instant::now();
        let result = run();
        (result, began.elapsed())
    };
    let runs = [once(), once(), once()];
    let [first, second, third] = runs;
    let least = first.1.min(second.1).min(third.1);
    (first.0, least)
}
