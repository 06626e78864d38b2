//! Clients that behave badly: each is gone afterwards, and hurts nobody.

use std::time::Duration;

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use upward::process::{
    Console, Ended, Exit, Invocation, Keeper, Limits, MARK, ProcessError, Silent, start,
};

fn keeper() -> Keeper {
    Keeper::new(env!("CARGO_BIN_EXE_upward"))
}

fn shell(script: &str) -> Invocation {
    Invocation {
        argv: vec!["/bin/sh".into(), "-c".into(), script.into()],
        environment: vec![("HOME".into(), "/nonexistent".into())],
        isolation: None,
        stdin: vec![b'x'; 1 << 20],
        dir: std::env::temp_dir(),
        console: Console::Pipes,
    }
}

async fn run(script: &str, deadline: Duration) -> Ended {
    let limits = Limits { deadline, output: 1000 };
    start(&keeper(), shell(script), limits).await.expect("the shell starts").wait().await
}

/// Whether a process is left whose command line has this word.
fn is_left(word: &str) -> bool {
    std::fs::read_dir("/proc").expect("there is /proc").filter_map(Result::ok).any(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(word)
            && entry.file_name() != std::process::id().to_string().as_str()
    })
}

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(300);

#[tokio::test]
async fn reports_code_and_output() {
    let ended = run("echo out; echo err >&2; exit 7", LONG).await;
    assert_eq!(ended.exit, Exit::Code(7));
    assert_eq!(ended.stdout.bytes, b"out\n");
    assert_eq!(ended.stderr.bytes, b"err\n");
}

#[tokio::test]
async fn reports_a_crash() {
    assert_eq!(run("kill -SEGV $$", LONG).await.exit, Exit::Signal(11));
}

#[tokio::test]
async fn keeps_little_of_a_flood() {
    let ended = run("head -c 50000000 /dev/zero", LONG).await;
    assert_eq!(ended.exit, Exit::Code(0));
    assert_eq!(ended.stdout.bytes.len(), 1000);
    assert_eq!(ended.stdout.dropped, 50_000_000 - 1000);
}

#[tokio::test]
async fn ends_what_ignores_signals() {
    let ended = run("trap '' TERM INT HUP; while :; do sleep 31.4151; done", SHORT).await;
    assert_eq!(ended.exit, Exit::Deadline);
    assert!(!is_left("31.4151"));
}

#[tokio::test]
async fn ends_what_stays_in_the_background() {
    let ended = run("sleep 31.4152 & exit 0", LONG).await;
    assert_eq!(ended.exit, Exit::Code(0));
    assert!(!is_left("31.4152"));
}

#[tokio::test]
async fn ends_what_has_left_its_session() {
    let ended = run("setsid sh -c 'sleep 31.4153 & sleep 31.4153' & sleep 0.2; exit 3", LONG).await;
    assert_eq!(ended.exit, Exit::Code(3));
    assert!(!is_left("31.4153"));
}

#[tokio::test]
async fn ends_what_is_dropped() {
    let limits = Limits { deadline: LONG, output: 10 };
    let running = start(&keeper(), shell("setsid sleep 31.4154 & sleep 31.4154"), limits)
        .await
        .expect("starts");
    drop(running);
    // The kernel takes them away as soon as they run again.
    for _ in 0..1000 {
        if !is_left("31.4154") {
            return;
        }
        tokio::task::yield_now().await;
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("a process is left");
}

/// On a terminal of its own a program knows that it is on one, reads what is typed, and is killed as
/// any other, with all that it left in the background.
#[tokio::test]
async fn gives_a_terminal() {
    let on_terminal = |script: &str| Invocation {
        stdin: b"typed\n".to_vec(),
        console: Console::Terminal,
        ..shell(script)
    };
    let limits = Limits { deadline: LONG, output: 1000 };
    let script = "test -t 0 && test -t 2 && read word && : >/dev/tty && echo \"<$word>\"; exit 5";
    let ended =
        start(&keeper(), on_terminal(script), limits).await.expect("the shell starts").wait().await;
    let said = String::from_utf8_lossy(&ended.stdout.bytes).into_owned();
    assert!(said.contains("<typed>"), "{said}");
    assert_eq!(ended.exit, Exit::Code(5));
    let script = "trap '' HUP TERM; sleep 31.4155 & sleep 31.4155";
    let limits = Limits { deadline: SHORT, output: 1000 };
    let ended =
        start(&keeper(), on_terminal(script), limits).await.expect("the shell starts").wait().await;
    assert_eq!(ended.exit, Exit::Deadline);
    let limits = Limits { deadline: LONG, output: 1000 };
    let script = "trap '' HUP; sleep 31.4155 & exit 6";
    let ended =
        start(&keeper(), on_terminal(script), limits).await.expect("the shell starts").wait().await;
    assert_eq!(ended.exit, Exit::Code(6));
    assert!(!is_left("31.4155"));
}

/// What a daemon writes is seen while it runs; one that has ended is not waited for.
#[tokio::test]
async fn tells_what_is_written_while_it_runs() {
    let limits = Limits { deadline: LONG, output: 1000 };
    let running = start(&keeper(), shell("echo up >&2; read line; sleep 31.4156"), limits)
        .await
        .expect("starts");
    let is_up = |output: &[u8]| output.windows(2).any(|window| window == b"up");
    assert_eq!(running.writes(is_up).await, Ok(()));
    assert_eq!(running.stop().await.exit, Exit::Signal(15));
    assert!(!is_left("31.4156"));
    let running = start(&keeper(), shell("echo down"), limits).await.expect("starts");
    assert_eq!(running.writes(is_up).await, Err(Silent));
    assert_eq!(running.wait().await.exit, Exit::Code(0));
}

#[tokio::test]
async fn passes_on_little_of_the_environment() {
    let ended = run("env | cut -d= -f1 | sort | tr '\\n' ' '", LONG).await;
    let names = String::from_utf8_lossy(&ended.stdout.bytes).into_owned();
    assert!(names.contains(MARK) && names.contains("HOME") && !names.contains("CARGO"), "{names}");
}

/// Who does not end when he is asked to is killed at the deadline.
#[tokio::test]
async fn ends_what_was_asked_in_vain() {
    let limits = Limits { deadline: SHORT, output: 1000 };
    let script = "trap 'echo asked' TERM; echo up; while :; do sleep 31.4157 & wait $!; done";
    let running = start(&keeper(), shell(script), limits).await.expect("starts");
    assert_eq!(running.writes(|output| output == b"up\n").await, Ok(()));
    let ended = running.stop().await;
    assert_eq!((ended.exit, &ended.stdout.bytes[..]), (Exit::Deadline, &b"up\nasked\n"[..]));
    assert!(!is_left("31.4157"));
}

#[tokio::test]
async fn says_what_is_missing() {
    let limits = Limits { deadline: LONG, output: 10 };
    for console in [Console::Pipes, Console::Terminal] {
        let program = |name: &str| Invocation { argv: vec![name.into()], console, ..shell("") };
        let error = start(&keeper(), program("no-such-program-anywhere"), limits).await.err();
        let is_missing = matches!(&error, Some(ProcessError::Missing(name)) if name == "no-such-program-anywhere");
        assert!(is_missing, "{error:?}");
        let error = start(&keeper(), program("/etc"), limits).await.err();
        assert!(matches!(error, Some(ProcessError::Forbidden(_))), "{error:?}");
    }
    let empty = Invocation { argv: Vec::new(), ..shell("") };
    assert!(matches!(start(&keeper(), empty, limits).await, Err(ProcessError::Empty)));
}

/// A client's parent, which keeps it.
async fn kept_by(keeper: &Keeper, script: &str) -> String {
    let limits = Limits { deadline: LONG, output: 1000 };
    let script = format!("{script}; echo $PPID");
    let running = start(keeper, shell(&script), limits).await.expect("starts");
    String::from_utf8(running.wait().await.stdout.bytes).expect("text").trim().to_owned()
}

#[tokio::test]
async fn one_keeps_the_next_with_nothing_of_the_last() {
    let keeper = keeper();
    let first = kept_by(&keeper, "setsid sleep 31.4158 & export LEFT=1; cd /").await;
    assert!(!is_left("31.4158"));
    assert_eq!(
        kept_by(&keeper, "[ -z \"$LEFT$(jobs)\" ] && [ \"$PWD\" != / ] || exit").await,
        first
    );
    let on_terminal =
        Invocation { console: Console::Terminal, stdin: Vec::new(), ..shell("echo $PPID") };
    let limits = Limits { deadline: LONG, output: 1000 };
    let ended = start(&keeper, on_terminal, limits).await.expect("starts").wait().await;
    assert_eq!(String::from_utf8_lossy(&ended.stdout.bytes).trim(), first);
}

#[tokio::test]
async fn one_at_a_time_is_kept() {
    let keeper = keeper();
    let limits = Limits { deadline: LONG, output: 1000 };
    let waits = start(&keeper, shell("read line; echo $PPID"), limits).await.expect("starts");
    let other = kept_by(&keeper, "true").await;
    let waits = String::from_utf8(waits.wait().await.stdout.bytes).expect("text");
    assert_ne!(waits.trim(), other);
}

#[tokio::test]
async fn who_was_killed_or_stopped_between_two_clients_is_no_hindrance() {
    let keeper = keeper();
    let signal = |name: &str, pid: &str| {
        std::process::Command::new("kill").args([name, pid]).status().expect("kill").success()
    };
    let first = kept_by(&keeper, "true").await;
    assert!(signal("-STOP", &first));
    assert_eq!(kept_by(&keeper, "true").await, first);
    assert!(signal("-KILL", &first));
    let pid = first.parse().ok().and_then(Pid::from_raw).expect("a process");
    // Until it has ended; somebody else is to learn how.
    waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).expect("a child");
    assert_ne!(kept_by(&keeper, "true").await, first);
}
