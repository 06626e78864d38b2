//! Our walker against stateright and, where `spin` and `gcc` are installed, against SPIN on the
//! exported Promela model: the same worlds in the same run; prints ratios.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use upward_model::check::check;
use upward_model::client::Negotiator;
use upward_model::policy::Policy;
use upward_model::promela::promela;
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
        let walk_only = world();
        let (_, alone) = best(|| walk(&walk_only, None).states);
        let (_, theirs) = best(|| check(world()).states);
        println!("smtp, {} session(s), {walked} states", sessions.len());
        println!("  walker, machines compiled in it {ours:.1?}; the walk alone {alone:.1?}");
        println!("  stateright depth first {theirs:.1?}, {:.2} of the walker", ratio(theirs, ours));
        match spin(&promela(&walk_only)) {
            Some(search) => println!(
                "  SPIN, the search alone {search:.1?}, {:.2} of the walk alone",
                ratio(search, alone)
            ),
            None => println!("  SPIN: spin or gcc is missing, or failed"),
        }
    }
    let began = Instant::now();
    for protocol in PROTOCOLS {
        let began = Instant::now();
        let walks = matrix(protocol).len();
        println!("matrix of {}: {walks} walks in {:.2?}", protocol.name, began.elapsed());
    }
    println!("all matrices: {:.2?}", began.elapsed());
}

fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}

/// How long SPIN's search of a Promela text takes: the process, without generating and compiling it.
fn spin(text: &str) -> Option<Duration> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-spin");
    std::fs::create_dir_all(&folder).ok()?;
    std::fs::write(folder.join("model.pml"), text).ok()?;
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).current_dir(&folder).output().ok()?;
        output.status.success().then_some(output.stdout)
    };
    run("spin", &["-a", "model.pml"])?;
    run("gcc", &["-O2", "-w", "-DSAFETY", "-DNOREDUCE", "-DNOCLAIM", "-o", "pan", "pan.c"])?;
    // A table of 2^20 slots: the default one would take longer to clear than the search.
    let search = || run("./pan", &["-E", "-n", "-m1000000", "-w20"]);
    let (done, time) =
        best(|| search().is_some_and(|said| said.windows(9).any(|w| w == b"errors: 0")));
    done.then_some(time)
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
