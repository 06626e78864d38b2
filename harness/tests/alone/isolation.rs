//! Clients in isolation. Where the environment promises that it can be had
//! (`UPWARD_REQUIRE_ISOLATION`), a system that forbids it is a failure; elsewhere these tests say that
//! they were not run. Needs python3.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use upward::process::isolation::{Isolation, Peer};
use upward::process::{
    Console, Ended, Exit, Invocation, Keeper, Limits, ProcessError, Running, start,
};

const UPWARD: &str = env!("CARGO_BIN_EXE_upward");

/// Held by whoever makes namespaces. The number of one that is gone is given to whoever makes the next:
/// who looks whether one is left has to be alone.
pub(crate) static NAMESPACES: RwLock<()> = RwLock::const_new(());

/// A test among others; none where clients cannot be isolated here.
async fn among_others() -> Option<RwLockReadGuard<'static, ()>> {
    let held = NAMESPACES.read().await;
    is_allowed().await.then_some(held)
}

/// A test beside which no other of these runs; none where clients cannot be isolated here.
async fn alone() -> Option<RwLockWriteGuard<'static, ()>> {
    let held = NAMESPACES.write().await;
    is_allowed().await.then_some(held)
}

/// Whether clients can be isolated here; panics where that was promised.
async fn is_allowed() -> bool {
    let folder = TempDir::new().expect("a folder");
    match started(&folder, isolation(), Peer::Absent, "true").await {
        Ok(running) => running.wait().await.exit == Exit::Code(0),
        Err(error) => {
            let promised = std::env::var_os("UPWARD_REQUIRE_ISOLATION").is_some();
            assert!(!promised, "isolation was promised: {error}");
            eprintln!("NOT RUN: {error}");
            false
        }
    }
}

fn isolation() -> Isolation {
    Isolation { port: 2525, names: Vec::new(), fresh: Vec::new() }
}

async fn started(
    folder: &TempDir,
    isolation: Isolation,
    peer: Peer,
    script: &str,
) -> Result<Running, ProcessError> {
    start(&Keeper::new(UPWARD), invocation(folder, isolation, peer, script), LIMITS).await
}

const LIMITS: Limits = Limits { deadline: Duration::from_secs(60), output: 1 << 16 };

fn invocation(folder: &TempDir, isolation: Isolation, peer: Peer, script: &str) -> Invocation {
    Invocation {
        argv: vec!["/bin/sh".into(), "-c".into(), script.into()],
        environment: Vec::new(),
        stdin: b"what is read".to_vec(),
        dir: folder.path().to_path_buf(),
        console: Console::Pipes,
        isolation: Some((isolation, peer)),
    }
}

fn said(ended: &Ended) -> String {
    assert_eq!(String::from_utf8_lossy(&ended.stderr.bytes), "");
    String::from_utf8_lossy(&ended.stdout.bytes).into_owned()
}

async fn run(isolation: Isolation, script: &str) -> String {
    let folder = TempDir::new().expect("a folder");
    let running = started(&folder, isolation, Peer::There, script).await.expect("it starts");
    let ended = running.wait().await;
    assert_eq!(ended.exit, Exit::Code(0), "{}", String::from_utf8_lossy(&ended.stderr.bytes));
    said(&ended)
}

#[tokio::test]
async fn nothing_leaves() {
    let Some(_held) = among_others().await else { return };
    let attempts = r"
import errno, socket
def outcome(attempt):
    try:
        attempt()
        return 'done'
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp6 = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
print(outcome(lambda: socket.create_connection(('192.0.2.1', 25))))
print(outcome(lambda: udp.sendto(b'x', ('192.0.2.1', 53))))
print(outcome(lambda: udp6.sendto(b'x', ('2001:db8::1', 53))))
print(outcome(lambda: socket.create_connection(('example.com', 25))).split(']')[0])
print([line.split(':')[0].strip() for line in open('/proc/net/dev') if ':' in line])
print(open('/proc/net/route').read().count('\n'))
";
    let script = format!("exec python3 -c \"{attempts}\"");
    let text = run(isolation(), &script).await;
    let lines: Vec<&str> = text.lines().collect();
    let unreachable = "ENETUNREACH";
    assert_eq!(lines[..3], [unreachable; 3], "{text}");
    assert!(lines[3].contains("Errno -3") || lines[3].contains("Errno -2"), "{text}");
    // The loopback interface, and no route but a headline.
    assert_eq!(lines[4..], ["['lo']", "1"], "{text}");
}

/// A terminal that was made outside is one inside, too; and who is asked there to end, ends.
#[tokio::test]
async fn there_is_a_terminal() {
    let Some(_held) = among_others().await else { return };
    let folder = TempDir::new().expect("a folder");
    let script = "test -t 0 && : >/dev/tty && read word && echo \"<$word>\"; sleep 31.4171";
    let invocation = Invocation {
        stdin: b"typed\n".to_vec(),
        console: Console::Terminal,
        ..invocation(&folder, isolation(), Peer::Absent, script)
    };
    let running = start(&Keeper::new(UPWARD), invocation, LIMITS).await.expect("it starts");
    let is_up = |output: &[u8]| output.windows(7).any(|window| window == b"<typed>");
    assert_eq!(running.writes(is_up).await, Ok(()));
    assert_eq!(running.stop().await.exit, Exit::Signal(15));
}

#[tokio::test]
async fn names_mean_what_the_run_says() {
    let Some(_held) = among_others().await else { return };
    let names = vec!["mail.example.org".to_owned(), "mx".to_owned()];
    let script = "cat /etc/hosts; for v in 4 6; do getent ahostsv$v mail.example.org | head -n1 | cut -d' ' -f1; done; \
                  if [ -e /etc/resolv.conf ]; then wc -c < /etc/resolv.conf; else echo 0; fi; cat";
    let text = run(Isolation { names, ..isolation() }, script).await;
    let names = "localhost mail.example.org mx";
    assert_eq!(text, format!("127.0.0.1 {names}\n::1 {names}\n127.0.0.1\n::1\n0\nwhat is read"));
    assert!(!fs::read_to_string("/etc/hosts").expect("a file").contains("mail.example.org"));
}

#[tokio::test]
async fn folders_are_fresh() {
    let Some(_held) = among_others().await else { return };
    let folder = TempDir::new().expect("a folder");
    fs::write(folder.path().join("there"), "").expect("a file");
    let place = folder.path().display().to_string();
    let fresh = vec![folder.path().to_path_buf()];
    let isolation = Isolation { fresh, ..isolation() };
    let script = format!("ls -A {place}; echo x > {place}/new; ls {place}");
    // Twice at once, and each time empty.
    let both = tokio::join!(run(isolation.clone(), &script), run(isolation.clone(), &script));
    assert_eq!(both, ("new\n".to_owned(), "new\n".to_owned()));
    let left: Vec<_> = fs::read_dir(folder.path()).expect("a folder").collect();
    assert_eq!(left.len(), 1);
    let missing = Isolation { fresh: vec!["/no/such/folder".into()], ..isolation };
    let error = started(&folder, missing, Peer::There, "true").await.err().expect("it is missing");
    assert_eq!(
        error.to_string(),
        "a client cannot be isolated here: failed to put an empty folder in place of \
         /no/such/folder: No such file or directory (os error 2)"
    );
}

#[tokio::test]
async fn the_sockets_are_those_inside() {
    let Some(_held) = among_others().await else { return };
    let folder = TempDir::new().expect("a folder");
    let script = "exec python3 -c \"
import socket
peer = socket.create_connection(('127.0.0.1', 25))
print(peer.recv(10).decode(), end='')
\"";
    let isolation = Isolation { port: 25, ..isolation() };
    let running = started(&folder, isolation.clone(), Peer::There, script).await;
    let mut running = running.expect("it starts");
    let listeners = running.take_listeners();
    let ports: BTreeSet<u16> =
        listeners.iter().map(|one| one.local_addr().expect("an address").port()).collect();
    assert_eq!(ports, BTreeSet::from([25, 26]));
    let (mut peer, _) = listeners[0].accept().expect("the client connects");
    std::io::Write::write_all(&mut peer, b"a greeting").expect("it is sent");
    let ended = running.wait().await;
    assert_eq!(said(&ended), "a greeting");
    assert_eq!(peer.read(&mut [0; 8]).expect("an end"), 0);
    let running = started(&folder, isolation, Peer::Absent, script).await;
    let ended = running.expect("it starts").wait().await;
    assert_eq!(ended.exit, Exit::Code(1));
    assert!(String::from_utf8_lossy(&ended.stderr.bytes).contains("refused"));
}

/// The namespaces of whatever runs or is held open anywhere.
fn namespaces() -> BTreeSet<String> {
    let links = |folder: &Path| -> Vec<String> {
        let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
        let links = entries.filter_map(|entry| fs::read_link(entry.path()).ok());
        links.map(|link| link.to_string_lossy().into_owned()).collect()
    };
    let processes = fs::read_dir("/proc").expect("there is /proc").filter_map(Result::ok);
    processes
        .flat_map(|entry| [links(&entry.path().join("ns")), links(&entry.path().join("fd"))])
        .flatten()
        .collect()
}

#[tokio::test]
async fn nothing_is_left() {
    let Some(_held) = alone().await else { return };
    let mounts = || fs::read_to_string("/proc/self/mountinfo").expect("a file");
    let before = mounts();
    let folder = TempDir::new().expect("a folder");
    let script = "setsid sh -c 'setsid env -i sleep 31.41593 &'; kill -9 -1; kill -9 1; \
                  kill -STOP 1; cd /proc/self/ns; readlink net mnt pid user ipc";
    let running = started(&folder, isolation(), Peer::There, script).await.expect("it starts");
    let ended = running.wait().await;
    let inside = said(&ended);
    assert_eq!(inside.lines().count(), 5, "{inside}");
    let now = namespaces();
    assert!(
        now.contains(&fs::read_link("/proc/self/ns/net").expect("a link").display().to_string())
    );
    for namespace in inside.lines() {
        assert!(!now.contains(namespace), "{namespace} is left");
    }
    assert_eq!(mounts(), before);
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

fn upward(folder: &Path, wrapper: &[&str], arguments: &[&str]) -> Output {
    let words = [wrapper, &[UPWARD, "run"], arguments].concat();
    let mut command = Command::new(words[0]);
    command.current_dir(folder).args(&words[1..]).output().expect("it runs")
}

/// Two clients that listen on the same port and connect to the same port, at once.
const AT_ONCE: &str = r"
import os, smtplib, socket, ssl, time
here = socket.create_server(('0.0.0.0', 7777))
if 'control' not in os.getcwd():
    # Neither goes on before the other is there, with its port.
    open('../there-' + os.path.basename(os.getcwd()), 'w').close()
    while sum(name.startswith('there-') for name in os.listdir('..')) < 2:
        time.sleep(0.01)
context = ssl.create_default_context(cafile=os.environ['UPWARD_CA'])
with smtplib.SMTP('localhost', 2525) as server:
    server.starttls(context=context)
    server.login(os.environ['UPWARD_USER'], os.environ['UPWARD_PASSWORD'])
    server.sendmail('a@x.test', ['b@x.test'], os.environ['UPWARD_BODY'])
";

fn two_at_once(folder: &Path, wrapper: &[&str]) {
    let client = AT_ONCE.replace('{', "{{").replace('}', "}}");
    let options = ["--isolate", "--port", "2525", "-j", "2", "--protocol", "smtp"];
    let vectors = ["-f", "smtp/neg/upgrade-454", "-f", "smtp/neg/capabilities-keyword-omitted"];
    let rest = ["--report", "json=report.json", "--", "python3", "-c", &client];
    let output = upward(folder, wrapper, &[&options[..], &vectors, &rest].concat());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let report = fs::read_to_string(folder.join("report.json")).expect("a report");
    let report: Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!(report["summary"]["pass"], 2, "{text}");
}

#[tokio::test]
async fn a_fixed_port_is_everybodys_own() {
    if let Some(_held) = among_others().await {
        two_at_once(TempDir::new().expect("a folder").path(), &[]);
    }
}

/// As somebody who is nobody, where these tests are run by root.
#[tokio::test]
async fn needs_no_root() {
    let Some(_held) = among_others().await else { return };
    if !rustix::process::geteuid().is_root() {
        // All the other tests show it.
        return;
    }
    let folder = TempDir::new().expect("a folder");
    chown(folder.path(), Some(65534), Some(65534)).expect("it is given away");
    // Nobody may read where this was built.
    let program = folder.path().join("upward");
    fs::copy(UPWARD, &program).expect("a copy");
    let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    let program = program.display().to_string();
    let see = ["sh", "-c", "id -u; grep CapEff /proc/self/status"];
    let arguments = ["run", "--isolate", "--port", "25", "--protocol", "smtp", "--"];
    let words = [&nobody[..], &[&program], &arguments, &see].concat();
    let output = Command::new(words[0]).current_dir(folder.path()).args(&words[1..]).output();
    let text = String::from_utf8_lossy(&output.expect("it runs").stdout).into_owned();
    assert!(text.contains("| 65534\n") && text.contains("| CapEff:\t0000000000000000\n"), "{text}");
}

/// Where the kernel forbids it: which setting, exit code 2, and nothing was run.
#[tokio::test]
async fn says_what_forbids_it() {
    let Some(_held) = among_others().await else { return };
    let folder = TempDir::new().expect("a folder");
    for setting in ["user", "net", "pid", "mnt", "ipc"] {
        let forbids = format!("echo 0 > /proc/sys/user/max_{setting}_namespaces; exec \"$@\"");
        let wrapper = ["unshare", "--user", "--map-root-user", "sh", "-c", &forbids, "sh"];
        let client = ["--isolate", "--protocol", "smtp", "--", "touch", "../../../was-run"];
        let output = upward(folder.path(), &wrapper, &client);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains("a client cannot be isolated here: failed to"), "{text}");
        let name = format!("user.max_{setting}_namespaces");
        let help = format!("help: {name} is 0 here; to allow it: sysctl -w {name}=1000");
        assert!(text.contains(&help), "{text}");
        assert!(!folder.path().join("was-run").exists());
    }
}

/// When the program itself is killed, nobody inside goes on.
#[tokio::test]
async fn nobody_survives_the_program() {
    let Some(_held) = among_others().await else { return };
    let folder = TempDir::new().expect("a folder");
    let script = "setsid env -i sleep 31.41593 & echo there > told; exec sleep 31.41593";
    let mut child = Command::new(UPWARD)
        .current_dir(folder.path())
        .args(["run", "--isolate", "--protocol", "smtp", "--deadline", "600", "--"])
        .args(["python3", "-c", &format!("import os; os.system({script:?})")])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("it starts");
    let told = folder.path().join("target/upward/python3/control-first/told");
    while !told.exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().expect("it is killed");
    child.wait().expect("it ends");
    let lines = || {
        let processes = fs::read_dir("/proc").expect("there is /proc").filter_map(Result::ok);
        let lines =
            processes.map(|entry| fs::read(entry.path().join("cmdline")).unwrap_or_default());
        lines.filter(|line| line.ends_with(b"sleep\x0031.41593\0")).count()
    };
    for _ in 0..2000 {
        if lines() == 0 {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("{} are left", lines());
}
