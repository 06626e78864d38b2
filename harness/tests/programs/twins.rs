//! Small clients in Python that are told apart only by what they say to a vector's twin, and clients of
//! which the controls say why they cannot be judged.

use tempfile::TempDir;

use crate::programs::{is_there, upward};

/// What the clients share: a connection, and replies line by line.
const LINES: &str = "
import base64, os, socket, ssl
e = lambda name: os.environ['UPWARD_' + name]
s = socket.create_connection((e('HOST'), int(e('PORT'))))
b = b''
def line():
    global b
    while b'\\n' not in b:
        more = s.recv(4096)
        if not more: raise SystemExit(1)
        b += more
    said, b = b.split(b'\\n', 1)
    return said
def tls():
    return ssl.create_default_context(cafile=e('CA')).wrap_socket(s, server_hostname=e('HOST'))
";

/// SMTP: what stood behind the grant is kept, and read with the first data inside TLS.
const SMTP: &str = "
def ask(what, good):
    if what: s.sendall(what.encode() + b'\\r\\n')
    said = line()
    while said[3:4] == b'-': said = line()
    if not said.startswith(good): raise SystemExit(1)
    return said
ask('', b'220'); ask('EHLO x.test', b'250'); ask('STARTTLS', b'220')
late, b = b, b''
class Late:
    def __init__(self, inner): self.inner = inner
    def sendall(self, data): self.inner.sendall(data)
    def recv(self, size):
        global late
        data = self.inner.recv(size)
        if data: data, late = late + data, b''
        return data
KEPT
ask('EHLO x.test', b'250')
ask('AUTH LOGIN', b'334'); ask(base64.b64encode(e('USER').encode()).decode(), b'334')
ask(base64.b64encode(e('PASSWORD').encode()).decode(), b'235')
s.sendall(b'QUIT\\r\\n')
";

/// IMAP: two commands in one go inside TLS, as RFC 3501 section 5.5 allows.
const IMAP: &str = "
def ask(tag, what):
    s.sendall(tag + what.encode() + b'\\r\\n')
def hear(tag):
    said = line()
    while not said.startswith(tag): said = line()
    if not said.startswith(tag + b'OK'): raise SystemExit(1)
line(); ask(b'1 ', 'CAPABILITY'); hear(b'1 '); ask(b'2 ', 'STARTTLS'); hear(b'2 ')
b = b''
s = tls()
s.sendall(b'3 LOGIN ' + e('USER').encode() + b' ' + e('PASSWORD').encode() + b'\\r\\n4 CAPABILITY\\r\\n')
hear(b'3 '); hear(b'4 ')
s.sendall(b'5 LOGOUT\\r\\n')
";

/// Plays vectors to a program in Python; its exit code, and what `upward` says.
fn plays(protocol: &str, options: &[&str], script: &str) -> (Option<i32>, String) {
    let folder = TempDir::new().expect("a folder");
    // Braces are places of the command line.
    let script = script.replace('{', "{{").replace('}', "}}");
    let first = ["run", "--protocol", protocol];
    let client = ["--", "python3", "-c", &script];
    let output = upward(&folder, &[&first[..], options, &client[..]].concat());
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn a_buffer_that_is_read_late_is_found_and_its_mended_twin_passes() {
    if !is_there("python3") {
        return;
    }
    for vector in ["smtp/rsp/upgrade-then-offer", "smtp/rsp/upgrade-then-half-offer"] {
        for (kept, code) in [("s = Late(tls())", 1), ("s = tls()", 0)] {
            let script = [LINES, &SMTP.replace("KEPT", kept)].concat();
            let (ended, text) = plays("smtp", &["-f", vector], &script);
            assert_eq!(ended, Some(code), "{text}");
            assert_eq!(text.contains("FAIL  injected"), code == 1, "{text}");
            assert_eq!(
                text.contains("in a second run, without the attack")
                    || text.contains("of its twin:"),
                code == 1,
                "{text}"
            );
            assert_eq!(
                text.contains("commands inside TLS without the attack: EHLO, AUTH LOGIN"),
                code == 1,
                "{text}"
            );
        }
    }
}

#[test]
fn a_client_that_pipelines_by_right_is_judged_and_passes() {
    if !is_there("python3") {
        return;
    }
    let script = [LINES, IMAP].concat();
    let vectors = ["-f", "imap/rsp/upgrade-then-offer*"];
    let (ended, text) = plays("imap", &vectors, &script);
    assert_eq!(ended, Some(0), "{text}");
    assert!(text.contains("waits for replies") && text.contains(" 0 inconclusive"), "{text}");
}

#[test]
fn a_body_that_never_comes_is_named() {
    if !is_there("python3") {
        return;
    }
    let script = [LINES, &SMTP.replace("KEPT", "s = tls()")].concat();
    let folder = TempDir::new().expect("a folder");
    let client = ["--", "python3", "-c", &script, "{body}"];
    let options = ["run", "--protocol", "smtp", "-f", "smtp/rsp/upgrade-then-offer"];
    let output = upward(&folder, &[&options[..], &client[..]].concat());
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains("the client logged in, and its {body} never came"), "{text}");
}

#[test]
fn a_client_that_never_connects_is_shown_with_its_last_words() {
    if !is_there("python3") {
        return;
    }
    // It delivers to the controls, and then finds itself running already.
    let place = TempDir::new().expect("a folder");
    let lock = place.path().join("runs");
    let count = format!(
        "import pathlib\nruns = pathlib.Path('{}')\nn = len(runs.read_bytes()) if runs.exists() else 0\n\
         runs.write_bytes(b'x' * (n + 1))\nif n == 4: raise SystemExit('already running')\n",
        lock.display()
    );
    let script = [&count, LINES, &SMTP.replace("KEPT", "s = tls()")].concat();
    let (ended, text) = plays("smtp", &["-j", "1", "-f", "smtp/rsp/upgrade-then-offer"], &script);
    assert_eq!(ended, Some(3), "{text}");
    assert!(text.contains("never connected, and wrote last: `already running`"), "{text}");
    assert!(text.contains("use -j 1, or --isolate with --fresh FOLDER"), "{text}");
}

/// What is printed beyond what is kept may be what the server said in clear: that is no pass.
#[test]
fn a_client_that_prints_more_than_is_kept_does_not_pass() {
    if !is_there("python3") {
        return;
    }
    let echo = "    print(said)\n    return said\n";
    let lines = LINES.replace("    return said\n", echo);
    for (filler, told) in [("", "handed data from before TLS"), ("x", "the rest was not examined")]
    {
        let first = format!("print('{filler}' * 300_000)");
        let script = [&first, &*lines, &SMTP.replace("KEPT", "s = tls()")].concat();
        let options = ["--output-is-data", "-f", "smtp/ui/upgrade-notice"];
        let (ended, text) = plays("smtp", &options, &script);
        assert_eq!(ended, Some(if filler.is_empty() { 1 } else { 3 }), "{text}");
        assert!(text.contains(told), "{text}");
        // The line that shows it stands in the report.
        assert_eq!(text.contains("  printed   b'"), filler.is_empty(), "{text}");
    }
}
