//! A vector held open for a client that somebody starts by hand.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};

use tempfile::TempDir;

/// A vector that is held open.
struct Served {
    child: Child,
    output: BufReader<ChildStdout>,
    /// What it has said so far.
    said: String,
}

impl Served {
    fn begin(folder: &TempDir) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_upward"))
            .args(["serve", "smtp/neg/upgrade-454"])
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let mut output = BufReader::new(child.stdout.take().expect("its output"));
        let mut said = String::new();
        while !said.contains("start the client now") {
            assert_ne!(output.read_line(&mut said).expect("a line"), 0, "{said}");
        }
        Self { child, output, said }
    }

    /// What stands behind a word in what it has said.
    fn value(&self, word: &str) -> &str {
        let line = self.said.lines().find_map(|line| line.trim_start().strip_prefix(word));
        line.expect("it says so").trim()
    }

    /// Ends it with Ctrl-C; its exit code, and all that it has said.
    fn end(mut self) -> (Option<i32>, String) {
        let ended = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        assert!(ended.expect("there is kill").success());
        self.output.read_to_string(&mut self.said).expect("text");
        let mut errors = self.child.stderr.take().expect("its errors");
        errors.read_to_string(&mut self.said).expect("text");
        (self.child.wait().expect("it ends").code(), self.said)
    }
}

#[test]
fn a_client_that_leaks_is_found_and_its_bytes_are_kept() {
    let folder = TempDir::new().expect("a folder");
    let served = Served::begin(&folder);
    let port: u16 = served.value("port").parse().expect("a number");
    let mut server = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    let mut lines = BufReader::new(server.try_clone().expect("the same"));
    let password = served.value("password");
    for (waits_for, says) in [
        ("220 ", "EHLO x".to_owned()),
        ("250 ", "STARTTLS".to_owned()),
        ("454 ", format!("AUTH LOGIN {password}")),
    ] {
        let mut line = String::new();
        while !line.starts_with(waits_for) {
            line.clear();
            assert_ne!(lines.read_line(&mut line).expect("a line"), 0, "{waits_for}");
        }
        server.write_all(format!("{says}\r\n").as_bytes()).expect("it reads");
    }
    // It has been read when it is answered.
    lines.read_line(&mut String::new()).expect("a line");
    drop((server, lines));
    let (code, said) = served.end();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("FAIL  leaked  smtp/neg/upgrade-454"), "{said}");
    assert!(said.contains("the password, as it is"), "{said}");
    let wire = folder.path().join("target/upward/serve/wire.txt");
    let wire = std::fs::read_to_string(wire).expect("what went over the wire");
    assert!(wire.contains("AUTH LOGIN"), "{wire}");
}

#[test]
fn nothing_is_said_of_nobody() {
    let folder = TempDir::new().expect("a folder");
    let (code, said) = Served::begin(&folder).end();
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("no client connected"), "{said}");
    assert!(!said.contains("INCONCLUSIVE"), "{said}");
}
