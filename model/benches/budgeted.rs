//! Our walker against SPIN and stateright where the table of states is what costs: few transitions
//! a state, millions of states of sixteen bytes.
//!
//! Each engine is a process of its own, and its time is all the CPU time of that process, user and
//! system; generating and compiling SPIN's search is not counted. Its memory is what the process had
//! resident at its peak; for SPIN, what it says that it allocated. The three have to find the same
//! states and transitions, or the figures would not mean the same work: otherwise this fails.

#[path = "budgeted/engines.rs"]
mod engines;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

use self::engines::model::{Budgeted, Flaw};
use self::engines::{Found, PROMELA, stateright, walker};

/// How often the attacker may act.
const BUDGET: u8 = 4;

const MODEL: Budgeted = Budgeted { budget: BUDGET, flaw: Flaw::None };

fn main() -> ExitCode {
    let done = match std::env::args().nth(1).as_deref() {
        Some("walker") => {
            let (found, store) = walker(MODEL);
            tell(found, Some(store.bytes()))
        }
        Some("stateright") => tell(stateright(MODEL), None),
        _ => compare(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// What a run came to.
#[derive(Debug)]
struct Run {
    found: Found,
    time: Duration,
    /// What it held: its store where it can say so, and all of it at its peak.
    store: Option<usize>,
    whole: usize,
}

fn compare() -> Result<(), Box<dyn Error>> {
    let this = std::env::current_exe()?;
    let child = |engine| best(|| run(&this, &[engine], read));
    let walker = child("walker")?;
    let stateright = child("stateright")?;
    let spin = match build() {
        // The search goes 32 steps deep; more slots than these make it no faster.
        Some(pan) => Some(best(|| run(&pan, &["-E", "-n", "-m1000", "-w23"], read_spin))?),
        None => None,
    };
    println!("budget {BUDGET}; CPU time of the whole process, best of three");
    let reference = spin.as_ref().map(|spin| spin.time);
    show("walker, breadth first, exact, with parents", &walker, reference);
    show("stateright, depth first, hashes", &stateright, reference);
    match &spin {
        Some(spin) => show("SPIN, depth first, exact", spin, reference),
        None => println!("SPIN: spin or gcc is missing, or failed"),
    }
    for other in [Some(&stateright), spin.as_ref()].into_iter().flatten() {
        if other.found != walker.found {
            return Err(format!("{:?} is not {:?}", other.found, walker.found).into());
        }
    }
    let Found { broken, delivers, .. } = walker.found;
    if broken != 0 || !delivers {
        return Err("the client is not sound".into());
    }
    Ok(())
}

fn show(name: &str, run: &Run, reference: Option<Duration>) {
    let Found { states, transitions, .. } = run.found;
    let seconds = run.time.as_secs_f64();
    let rate = states as f64 / seconds / 1e6;
    println!("{name}");
    print!("  {states} states, {transitions} transitions in {seconds:.2} s: {rate:.2} M states/s");
    match reference {
        Some(reference) => println!(", {:.2} x SPIN", reference.as_secs_f64() / seconds),
        None => println!(),
    }
    let per_state = |bytes: usize| bytes as f64 / states as f64;
    if let Some(store) = run.store {
        print!("  {:.1} bytes a state in the store;", per_state(store));
    } else {
        print!(" ");
    }
    println!(" {:.1} bytes a state, the whole process", per_state(run.whole));
}

/// The fastest of three.
fn best(mut run: impl FnMut() -> Result<Run, Box<dyn Error>>) -> Result<Run, Box<dyn Error>> {
    let mut best = run()?;
    for _ in 1..3 {
        let other = run()?;
        if other.time < best.time {
            best = other;
        }
    }
    Ok(best)
}

/// What the output of an engine says: what it found, its store, and all that it held.
type Reader = fn(&str) -> Option<(Found, Option<usize>, usize)>;

fn run(program: &Path, arguments: &[&str], read: Reader) -> Result<Run, Box<dyn Error>> {
    let before = children()?;
    let output = Command::new(program).args(arguments).output()?;
    let time = children()?.saturating_sub(before);
    let text = String::from_utf8_lossy(&output.stdout);
    let said = if output.status.success() { read(&text) } else { None };
    let (found, store, whole) =
        said.ok_or_else(|| format!("{} {arguments:?}: {text}", program.display()))?;
    Ok(Run { found, time, store, whole })
}

/// The CPU time of all children that have ended.
fn children() -> Result<Duration, Box<dyn Error>> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let time = usage.user_time() + usage.system_time();
    Ok(Duration::from_micros(u64::try_from(time.num_microseconds())?))
}

/// Says to the process above what this one found.
fn tell(found: Found, store: Option<usize>) -> Result<(), Box<dyn Error>> {
    let Found { states, transitions, broken, delivers } = found;
    let whole = usize::try_from(getrusage(UsageWho::RUSAGE_SELF)?.max_rss())? * 1024;
    let store = store.unwrap_or(0);
    println!("{states} {transitions} {broken} {} {store} {whole}", u8::from(delivers));
    Ok(())
}

fn read(text: &str) -> Option<(Found, Option<usize>, usize)> {
    let numbers: Option<Vec<usize>> =
        text.split_whitespace().map(|word| word.parse().ok()).collect();
    let [states, transitions, broken, delivers, store, whole] = numbers?[..] else { return None };
    let broken = u32::try_from(broken).ok()?;
    let found = Found { states, transitions, broken, delivers: delivers == 1 };
    Some((found, (store > 0).then_some(store), whole))
}

/// Generates SPIN's search of the model and compiles it.
fn build() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-budgeted");
    std::fs::create_dir_all(&folder).ok()?;
    std::fs::write(folder.join("model.pml"), PROMELA).ok()?;
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).current_dir(&folder).output().ok()?;
        output.status.success().then_some(())
    };
    run("spin", &["-a", &format!("-DBUDGET={BUDGET}"), "model.pml"])?;
    run("gcc", &["-O2", "-w", "-DSAFETY", "-DNOREDUCE", "-DNOCLAIM", "-o", "pan", "pan.c"])?;
    Some(folder.join("pan"))
}

/// SPIN's summary. It has one state and one step more, for the start, and counts its first state
/// among its transitions.
fn read_spin(text: &str) -> Option<(Found, Option<usize>, usize)> {
    let word = |of: &str| {
        let line = text.lines().find(|line| line.trim_end().ends_with(of))?;
        line.split_whitespace().next()
    };
    let count = |of: &str| word(of)?.parse::<usize>().ok();
    let seen = text.lines().find_map(|line| line.strip_prefix("upward: broken="))?;
    let (broken, delivers) = seen.split_once(" delivers=")?;
    let found = Found {
        states: count("states, stored")?.checked_sub(1)?,
        transitions: count("transitions (= stored+matched)")?.checked_sub(2)?,
        broken: broken.parse().ok()?,
        delivers: delivers.trim() == "1",
    };
    let megabytes: f64 = word("total actual memory usage")?.parse().ok()?;
    let complete = text.contains("errors: 0") && !text.contains("max search depth too small");
    complete.then_some((found, None, (megabytes * f64::from(1 << 20)) as usize))
}
