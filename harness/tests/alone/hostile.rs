//! Clients that do harm: whatever one does in one vector, the memory of `upward` is bounded, no
//! process is left, and the other vector gets its verdict.
//!
//! Needs python3: the clients are in `hostile/client.py`. Those that hang do so until the default
//! deadline: a shorter one would, on a busy machine, end the clients that do no harm as well.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// How much memory `upward` may take while it plays two vectors, two at once: 96 MiB.
const MEMORY: u64 = 96 << 20;

/// The vector in which the client does harm, and the other.
const HARM: &str = "smtp/neg/upgrade-454";
/// One in which it can do it inside TLS.
const INSIDE: &str = "smtp/neg/delivery-withheld";
const OTHER: &str = "smtp/neg/capabilities-keyword-omitted";

struct Run {
    harm: &'static str,
    said: String,
    report: Value,
    folder: TempDir,
}

/// Starts `upward` on the hostile client.
fn upward(folder: &TempDir, does: &[&str], options: &[&str]) -> Child {
    let client = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/alone/hostile/client.py");
    Command::new(env!("CARGO_BIN_EXE_upward"))
        .current_dir(folder.path())
        .args(["run", "--protocol", "smtp", "-f", OTHER, "-j", "2"])
        .args(["--report", "json=report.json"])
        .args(options)
        .args(["--file", "mail={body}", "--", "python3", client])
        .args(does)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts")
}

/// Runs `upward` to its end, and looks at its memory meanwhile.
fn run(does: &str, options: &[&str]) -> Run {
    run_in(HARM, does, options)
}

fn run_in(harm: &'static str, does: &str, options: &[&str]) -> Run {
    let folder = TempDir::new().expect("a folder");
    let mut child = upward(&folder, &[does], &[&["-f", harm], options].concat());
    let mut stdout = child.stdout.take().expect("a pipe");
    let reader = std::thread::spawn(move || std::io::read_to_string(&mut stdout));
    let mut peak = 0;
    loop {
        peak = peak.max(peak_of(child.id()));
        match child.try_wait().expect("it can be waited for") {
            Some(_) => break,
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    }
    let said = reader.join().expect("a thread").expect("text");
    assert_eq!(left(&folder, child.id()), Vec::<String>::new(), "{said}");
    let text = fs::read_to_string(folder.path().join("report.json"));
    let report = serde_json::from_str(&text.unwrap_or_else(|_| panic!("no report: {said}")));
    let report = report.expect("JSON");
    println!("{does}: {} MiB", peak >> 20);
    assert!((1..MEMORY).contains(&peak), "{} MiB", peak >> 20);
    Run { harm, said, report, folder }
}

/// The most memory that a process had so far, in bytes; 0 where it has ended.
fn peak_of(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

/// The processes that are left of a run: by the mark in their environment, by the folder that they
/// are in, or by their command line.
fn left(folder: &TempDir, upward: u32) -> Vec<String> {
    let mark = format!("UPWARD_RUN={upward}-").into_bytes();
    let has = |text: &[u8], part: &[u8]| text.windows(part.len()).any(|window| window == part);
    let mut left = Vec::new();
    for entry in fs::read_dir("/proc").expect("there is /proc").filter_map(Result::ok) {
        let read = |name: &str| fs::read(entry.path().join(name)).unwrap_or_default();
        let inside = fs::read_link(entry.path().join("cwd"))
            .is_ok_and(|place| place.starts_with(folder.path()));
        let line = read("cmdline");
        let named = has(&line, folder.path().as_os_str().as_encoded_bytes());
        if has(&read("environ"), &mark) || inside || named {
            left.push(format!("{:?} {}", entry.file_name(), String::from_utf8_lossy(&line)));
        }
    }
    left
}

impl Run {
    fn result(&self, id: &str) -> &Value {
        let results = self.report["results"].as_array().expect("results");
        results.iter().find(|result| result["vector"] == id).expect("a result")
    }

    /// The other vector has its verdict, the last control was run; that of the vector in which harm
    /// was done.
    fn verdict(&self) -> (&str, &str) {
        assert_eq!(self.result(OTHER)["verdict"], "pass", "{}", self.said);
        assert_eq!(self.report["controls"]["last"], "delivered", "{}", self.said);
        let result = self.result(self.harm);
        let word = |name: &str| result[name].as_str().expect("a word");
        (word("verdict"), word("outcome"))
    }

    /// What was said to have been cut.
    fn cut(&self) -> String {
        let cut = self.result(self.harm)["cut"].as_array().expect("a list");
        let cut: Vec<_> = cut.iter().map(|one| one.as_str().expect("a text")).collect();
        let cut = cut.join("; ");
        assert_eq!(self.said.contains("not everything was kept"), !cut.is_empty(), "{}", self.said);
        assert!(self.said.contains(&cut), "{}", self.said);
        cut
    }

    fn file(&self, name: &str) -> Vec<u8> {
        let place = self.result(self.harm)["artefacts"].as_str().expect("a path");
        fs::read(Path::new(place).join(name)).expect("a file")
    }
}

#[test]
fn a_flood_is_cut_off() {
    let run = run("floods-the-persona", &[]);
    assert_eq!(run.verdict(), ("fail", "downgraded"));
    assert!(run.cut().contains("1 connection was cut off"), "{}", run.cut());
    assert!(run.file("wire.txt").len() < 17 << 20);
}

#[test]
fn a_million_messages_are_cut_off() {
    let run = run("says-a-million-things", &[]);
    assert_eq!(run.verdict(), ("weak", "hung"));
    assert!(run.cut().contains("1 connection was cut off"), "{}", run.cut());
    let run = again("says-nothing-a-million-times");
    assert_eq!(run.verdict(), ("fail", "downgraded"));
    assert!(run.cut().contains("1 connection was cut off"), "{}", run.cut());
}

fn again(does: &str) -> Run {
    run(does, &[])
}

#[test]
fn a_flood_inside_tls_is_cut_off() {
    let run = run_in(INSIDE, "floods-inside-tls", &[]);
    assert_eq!(run.verdict(), ("weak", "hung"));
    assert!(run.cut().contains("1 connection was cut off"), "{}", run.cut());
    assert!(run.file("wire.txt").len() < 17 << 20);
}

#[test]
fn a_leak_in_a_flood_is_a_leak() {
    let run = run("sends-its-password-on-and-on", &[]);
    assert_eq!(run.verdict(), ("fail", "leaked"));
    assert!(run.cut().contains("cut off"), "{}", run.cut());
}

#[test]
fn one_that_never_reads_is_cut_off() {
    let run = run("never-reads", &[]);
    assert_eq!(run.verdict(), ("weak", "hung"));
    assert!(run.cut().contains("cut off"), "{}", run.cut());
}

#[test]
fn ten_thousand_connections_are_counted() {
    let run = run("opens-ten-thousand-connections", &["--deadline", "60"]);
    assert_eq!(run.verdict().0, "inconclusive");
    assert!(run.cut().contains("9968 connections were closed at once"), "{}", run.cut());
}

#[test]
fn two_gigabytes_of_output_are_dropped() {
    let run = run("writes-two-gigabytes", &["--deadline", "60"]);
    assert_eq!(run.verdict(), ("inconclusive", "refused"));
    let dropped = (2_u64 << 30) - (256 << 10);
    let said = format!("{dropped} bytes of its standard output were not kept");
    assert!(run.cut().contains(&said), "{}", run.cut());
    assert_eq!(run.file("stdout.txt").len(), 256 << 10);
}

#[test]
fn daemons_are_ended() {
    for does in ["daemonises", "stays-in-the-background", "has-a-hundred-children"] {
        let run = run(does, &[]);
        assert_eq!(run.verdict(), ("inconclusive", "refused"));
        assert_eq!(run.cut(), "");
    }
}

#[test]
fn one_that_is_never_the_same_process_is_ended() {
    assert_eq!(run("forks-and-ends-on-and-on", &[]).verdict(), ("inconclusive", "refused"));
}

#[test]
fn one_that_ignores_signals_hangs() {
    for does in ["ignores-signals", "execs-away"] {
        let run = run(does, &[]);
        assert_eq!(run.verdict(), ("weak", "hung"));
        assert_eq!(run.result(run.harm)["exit"], "killed at the deadline");
    }
}

#[test]
fn one_that_eats_descriptors_starves_alone() {
    assert_eq!(run("eats-descriptors", &[]).verdict(), ("inconclusive", "refused"));
}

#[test]
fn a_crash_is_a_crash() {
    let run = run("crashes", &[]);
    assert_eq!(run.verdict(), ("inconclusive", "crashed"));
    assert_eq!(run.result(run.harm)["exit"], "killed by signal 11");
}

#[test]
fn a_folder_may_be_gone() {
    for does in ["removes-its-folder", "puts-a-link-in-place-of-its-folder"] {
        let run = run(does, &[]);
        assert_eq!(run.verdict().0, "inconclusive");
        assert!(run.cut().contains("removed its folder"), "{}", run.cut());
        assert_eq!(run.file("stdout.txt"), b"");
        assert!(!Path::new("/etc/wire.txt").exists());
    }
    let run = run("puts-a-pipe-in-place-of-a-file", &[]);
    assert_eq!(run.verdict().0, "inconclusive");
    assert_eq!(run.file("stdout.txt"), b"");
    assert!(!run.folder.path().join("target/upward/python3/outside").exists());
}

#[test]
fn a_folder_may_be_full() {
    let run = run("fills-its-folder", &[]);
    assert_eq!(run.verdict().0, "inconclusive");
    assert!(run.cut().contains("more than 10000 files"), "{}", run.cut());
    let run = again("fills-its-folder-with-bytes");
    assert!(run.cut().contains("more than 64 MiB"), "{}", run.cut());
    let place = run.result(run.harm)["artefacts"].as_str().expect("a path");
    assert_eq!(fs::read_dir(place).expect("a folder").count(), 3);
}

#[test]
fn one_that_kills_its_keeper_is_ended() {
    let run = run("kills-its-keeper", &[]);
    assert_eq!(run.verdict().0, "inconclusive");
    assert!(run.result(run.harm)["exit"].as_str().expect("a text").contains("had killed"));
}

#[test]
fn one_that_stops_its_keeper_is_ended() {
    let run = run("stops-its-keeper", &[]);
    assert_eq!(run.verdict().0, "inconclusive");
    assert_eq!(run.result(run.harm)["exit"], "killed at the deadline");
}

/// In isolation as well: there nobody outside can be signalled, and the kernel ends all.
#[test]
fn nobody_gets_out_of_isolation() {
    let _among = crate::isolation::NAMESPACES.blocking_read();
    let folder = TempDir::new().expect("a folder");
    let mut probe = upward(&folder, &["crashes"], &["--isolate", "-f", HARM]);
    if probe.wait().expect("it ends").code() == Some(2) {
        let promised = std::env::var_os("UPWARD_REQUIRE_ISOLATION").is_some();
        assert!(!promised, "isolation was promised, and is not allowed");
        eprintln!("NOT RUN: isolation is not allowed here");
        return;
    }
    for does in ["daemonises", "has-a-hundred-children", "forks-and-ends-on-and-on"] {
        assert_eq!(run(does, &["--isolate"]).verdict(), ("inconclusive", "refused"));
    }
    for does in ["kills-its-keeper", "stops-its-keeper"] {
        let run = run(does, &["--isolate"]);
        assert_eq!(run.verdict().0, "inconclusive");
        assert_eq!(run.result(HARM)["exit"], "killed at the deadline");
    }
    let run = run("opens-ten-thousand-connections", &["--isolate", "--deadline", "60"]);
    assert_eq!(run.verdict().0, "inconclusive");
    assert!(run.cut().contains("9968 connections were closed at once"), "{}", run.cut());
}

/// When the program itself is killed, nothing that it started goes on.
#[test]
fn nothing_survives_the_program() {
    let folder = TempDir::new().expect("a folder");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("a port").port().to_string();
    let mut child = upward(&folder, &["tells-that-it-is-there", &port], &["-f", HARM]);
    let _there = listener.accept().expect("the client is there");
    assert!(left(&folder, child.id()).len() >= 2);
    child.kill().expect("it can be killed");
    assert_eq!(child.wait().expect("it ends").signal(), Some(9));
    let until = Instant::now() + Duration::from_secs(60);
    while !left(&folder, child.id()).is_empty() {
        assert!(Instant::now() < until, "{:?}", left(&folder, child.id()));
        std::thread::sleep(Duration::from_millis(5));
    }
}
