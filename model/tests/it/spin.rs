//! SPIN as a program: a Promela text in, what its search found out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock};

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

fn run(folder: &Path, program: &str, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(program);
    let output =
        command.args(arguments).envs(variables.iter().copied()).current_dir(folder).output();
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
    search(&compile(name, model, switches), &[])
}

/// Generates and compiles a search of a Promela text; its folder.
pub(crate) fn compile(name: &str, model: &str, switches: &[String]) -> PathBuf {
    let folder = fresh(name);
    generate(&folder, model, switches);
    gcc(&folder, &["-o", "pan", "pan.c"]);
    folder
}

/// The same for a text that was exported. Of many worlds all but the tables is the same: it is generated and
/// compiled once.
pub(crate) fn explore_exported(name: &str, model: &str) -> Report {
    static COMPILED: Mutex<BTreeMap<String, Arc<OnceLock<PathBuf>>>> = Mutex::new(BTreeMap::new());
    let Parts { text, tables } = Parts::of(model);
    let shared = Arc::clone(COMPILED.lock().unwrap().entry(text.clone()).or_default());
    let shared = shared.get_or_init(|| {
        let folder = fresh(&format!("{name}-shared"));
        generate(&folder, &text, &[]);
        gcc(&folder, &["-c", "-o", "pan.o", "pan.c"]);
        folder
    });
    let folder = fresh(name);
    std::fs::write(folder.join("tables.c"), tables).unwrap();
    let object = shared.join("pan.o");
    gcc(&folder, &["-o", "pan", object.to_str().unwrap(), "tables.c"]);
    search(&folder, &[])
}

/// An exported text in two parts: what is the same for many worlds, and the tables of this one as C.
struct Parts {
    text: String,
    tables: String,
}

impl Parts {
    /// Moves to the tables what is a table or a number. What is not recognised stays: then less
    /// is shared, and nothing is wrong.
    fn of(model: &str) -> Self {
        // The first comment names the world.
        let model = model.split_once("*/").map_or(model, |(_, rest)| rest);
        let (mut text, mut tables) = (String::new(), String::new());
        let mut in_table = false;
        // Where C wants a constant, and a name that SPIN has for itself.
        let is_constant = |name: &str| {
            let wanted = ["case ", "["].map(|before| format!("{before}{name}"));
            name == "NONE" || wanted.iter().any(|use_of| model.contains(use_of))
        };
        for line in model.lines() {
            let defined = line.strip_prefix("#define ").and_then(|line| line.split_once(' '));
            if in_table {
                tables += &format!("{line}\n");
                in_table = line != "};";
            } else if let Some((name, value)) = defined.filter(|(name, _)| !is_constant(name)) {
                text += &format!("extern const int {name};\n");
                tables += &format!("const int {name} = {value};\n");
            } else if let Some((declared, value)) =
                line.strip_prefix("static const ").and_then(|line| line.split_once(" = "))
            {
                // A table of tables refers to those with a number.
                let name = declared.trim_end_matches("[]");
                if !name.ends_with(|last: char| last.is_ascii_digit()) {
                    text += &format!("extern const {declared};\n");
                }
                tables += &format!("const {declared} = {value}\n");
                in_table = !value.ends_with(';');
            } else {
                if line.starts_with("struct ") && line.ends_with("; };") {
                    tables += &format!("{line}\n");
                }
                text += &format!("{line}\n");
            }
        }
        Self { text, tables }
    }
}

/// An empty folder of this name.
fn fresh(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn generate(folder: &Path, model: &str, switches: &[String]) {
    std::fs::write(folder.join("model.pml"), model).unwrap();
    let mut arguments = vec!["-a"];
    arguments.extend(switches.iter().map(String::as_str));
    arguments.push("model.pml");
    run(folder, "spin", &arguments, &[]);
}

/// The compiler takes longer than the search: 25 s with -O1, 2 s with -O0, for searches of 2 s.
fn gcc(folder: &Path, arguments: &[&str]) {
    let switches = ["-O0", "-w", "-DSAFETY", "-DNOREDUCE", "-DNOCLAIM"];
    run(folder, "gcc", &[&switches[..], arguments].concat(), &[]);
}

/// Searches what was compiled in a folder, with these environment variables. SPIN takes memory for the greatest
/// depth before it begins, and time for that.
pub(crate) fn search(folder: &Path, variables: &[(&str, &str)]) -> Report {
    let text = run(folder, "./pan", &["-E", "-n", "-m200000", "-w20"], variables);
    let place = folder.display();
    assert!(!text.contains("max search depth too small"), "{place}: the search was cut short");
    assert!(text.contains("errors: 0"), "{place}: {text}");
    let line = text.lines().find_map(|line| line.strip_prefix("upward: broken=")).unwrap();
    let (bits, delivers) = line.split_once(" delivers=").unwrap();
    Report {
        states: count(&text, "states, stored"),
        transitions: count(&text, "transitions (= stored+matched)"),
        broken: bits.parse().unwrap(),
        delivers: delivers.trim() == "1",
    }
}
