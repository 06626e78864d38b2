//! SPIN as a program: a Promela text in, what its search found out.

use std::path::Path;
use std::process::Command;

/// What SPIN says of an exhaustive search, and the model of what it met.
pub(crate) struct Report {
    /// States that it stored.
    #[allow(dead_code, reason = "the hand-written model has states of its own")]
    pub(crate) states: usize,
    /// Transitions that it explored.
    #[allow(dead_code, reason = "the hand-written model has transitions of its own")]
    pub(crate) transitions: usize,
    /// The properties broken somewhere, as bits.
    pub(crate) broken: u32,
    /// Whether some end is a delivery.
    #[allow(dead_code, reason = "a client that is refuted need not deliver")]
    pub(crate) delivers: bool,
}

/// Whether SPIN and a C compiler are here. Without them tests say so and pass, unless
/// `UPWARD_REQUIRE_SPIN` is set.
pub(crate) fn available() -> bool {
    let runs = |program: &str, argument: &str| {
        Command::new(program).arg(argument).output().is_ok_and(|output| output.status.success())
    };
    let both = runs("spin", "-V") && runs("gcc", "--version");
    let required = std::env::var_os("UPWARD_REQUIRE_SPIN").is_some();
    assert!(both || !required, "spin or gcc is missing: apt-get install spin gcc");
    if !both {
        eprintln!("skipped: spin or gcc is missing (Debian packages spin and gcc)");
    }
    both
}

fn run(folder: &Path, program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(folder).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{program} {arguments:?}: {text}{complaint}");
    text
}

/// The number in front of some words of SPIN's summary.
fn count(text: &str, words: &str) -> usize {
    let line = text.lines().find(|line| line.trim_end().ends_with(words));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no {words}: {text}"))
}

/// Explores a Promela text to the end, with these switches.
pub(crate) fn explore(name: &str, model: &str, switches: &[String]) -> Report {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("model.pml"), model).unwrap();
    let mut arguments = vec!["-a"];
    arguments.extend(switches.iter().map(String::as_str));
    arguments.push("model.pml");
    run(&folder, "spin", &arguments);
    // The compiler takes longer than the search: 25 s with -O1, 2 s with -O0, for searches of 2 s.
    let compile = ["-O0", "-w", "-DSAFETY", "-DNOREDUCE", "-DNOCLAIM", "-o", "pan", "pan.c"];
    run(&folder, "gcc", &compile);
    let text = run(&folder, "./pan", &["-E", "-n", "-m10000000"]);
    assert!(!text.contains("max search depth too small"), "{name}: the search was cut short");
    assert!(text.contains("errors: 0"), "{name}: {text}");
    let line = text.lines().find_map(|line| line.strip_prefix("upward: broken=")).unwrap();
    let (bits, delivers) = line.split_once(" delivers=").unwrap();
    Report {
        states: count(&text, "states, stored"),
        transitions: count(&text, "transitions (= stored+matched)"),
        broken: bits.parse().unwrap(),
        delivers: delivers.trim() == "1",
    }
}
