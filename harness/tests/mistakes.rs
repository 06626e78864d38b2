//! Mistakes of small clients in Python, which have to be found from what they say alone; mended, the same
//! clients have to pass.
#![expect(clippy::expect_used, reason = "tests fail by panicking")]

#[path = "common/programs.rs"]
mod programs;

use tempfile::TempDir;

use programs::{is_there, upward};

/// A client that speaks in lines: how it asks for TLS, and how it logs in.
struct Lines {
    protocol: &'static str,
    upgrade: &'static str,
    login: &'static str,
    /// Which word of the greeting is the server's name.
    names: usize,
}

const SMTP: Lines = Lines {
    protocol: "smtp",
    upgrade: "ask('', b'220'); ask('EHLO x.test', b'250 '); ask('STARTTLS', b'220')",
    login: "ask('EHLO x.test', b'250 '); \
            ask('AUTH PLAIN ' + b64(e('USER'), e('PASSWORD')), b'235'); s.sendall(b'QUIT\\r\\n')",
    names: 1,
};

const POP3: Lines = Lines {
    protocol: "pop3",
    upgrade: "ask('', b'+OK'); ask('STLS', b'+OK')",
    login: "ask('USER ' + e('USER'), b'+OK'); ask('PASS ' + e('PASSWORD'), b'+OK'); \
            s.sendall(b'QUIT\\r\\n')",
    names: 2,
};

const IMAP: Lines = Lines {
    protocol: "imap",
    upgrade: "ask('', b'* OK'); ask('1 STARTTLS', b'1 OK')",
    login: "ask('2 LOGIN ' + e('USER') + ' ' + e('PASSWORD'), b'2 OK'); s.sendall(b'3 LOGOUT\\r\\n')",
    names: 2,
};

impl Lines {
    /// The client; what it does with what it has read behind the answer to its request, and the name that
    /// it checks, are Python.
    fn client(&self, kept: &str, name: &str) -> String {
        let Self { upgrade, login, names, .. } = self;
        let script = format!(
            "import base64, os, socket, ssl\n\
             e = lambda name: os.environ['UPWARD_' + name]\n\
             b64 = lambda *words: base64.b64encode(''.join('\\0' + w for w in words).encode()).decode()\n\
             s = socket.create_connection((e('HOST'), int(e('PORT'))))\n\
             b, names = b'', []\n\
             def ask(line, good):\n\
             \x20   global b\n\
             \x20   if line: s.sendall(line.encode() + b'\\r\\n')\n\
             \x20   said = b''\n\
             \x20   while not said.startswith(good[:2]) or said[3:4] == b'-':\n\
             \x20       while b'\\n' not in b:\n\
             \x20           more = s.recv(4096)\n\
             \x20           if not more: raise SystemExit(1)\n\
             \x20           b += more\n\
             \x20       said, b = b.split(b'\\n', 1)\n\
             \x20       names.append(said.split()[{names}:][:1])\n\
             \x20   if not said.startswith(good): raise SystemExit(1)\n\
             {upgrade}\n\
             {kept}\n\
             s = ssl.create_default_context(cafile=e('CA')).wrap_socket(s, server_hostname={name})\n\
             {login}\n"
        );
        // Braces are places of the command line.
        script.replace('{', "{{").replace('}', "}}")
    }

    /// Plays one vector to it.
    fn plays(&self, vector: &str, more: &[&str], client: &str) -> (Option<i32>, String) {
        let folder = TempDir::new().expect("a folder");
        let options = ["run", "--protocol", self.protocol, "-f", vector];
        let options = [&options[..], more, &["--", "python3", "-c", client]];
        let output = upward(&folder, &options.concat());
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// The steps of a login are lines: who sends the second before the first is answered inside TLS has taken
/// what came before it for the answer; and so has who ends well although nothing was answered there.
#[test]
fn a_buffer_that_is_kept_is_found_in_the_lines_and_the_end_of_a_login() {
    if !is_there("python3") {
        return;
    }
    for (lines, vector) in [
        (SMTP, "smtp/rsp/upgrade-then-done-alone"),
        (POP3, "pop3/rsp/upgrade-then-offer-alone"),
        (IMAP, "imap/rsp/upgrade-then-logged-in-alone"),
    ] {
        let found = format!("FAIL  injected  {vector}");
        for (kept, code, says) in [("pass", 1, &*found), ("b = b''", 0, "1 passed")] {
            let (ended, text) = lines.plays(vector, &[], &lines.client(kept, "e('HOST')"));
            assert_eq!(ended, Some(code), "{text}");
            assert!(text.contains(says), "{text}");
            assert_eq!(text.contains("looks like keeps-buffer"), code == 1, "{text}");
        }
    }
}

/// Who takes silence for a refusal does so when its own timeout is over: the server has to wait for that.
#[test]
fn what_a_client_does_after_its_timeout_is_seen_by_who_waits() {
    if !is_there("python3") {
        return;
    }
    let impatient = Lines {
        upgrade: "ask('', b'220'); ask('EHLO x.test', b'250 ')\n\
                  s.settimeout(1)\n\
                  try:\n\
                  \x20   ask('STARTTLS', b'220')\n\
                  except TimeoutError:\n\
                  \x20   ask('AUTH PLAIN ' + b64(e('USER'), e('PASSWORD')), b'235'); raise SystemExit",
        ..SMTP
    };
    let vector = "smtp/neg/upgrade-withheld";
    let client = impatient.client("b = b''", "e('HOST')");
    let (ended, text) = impatient.plays(vector, &[], &client);
    assert_eq!(ended, Some(0), "{text}");
    let (ended, text) = impatient.plays(vector, &["--patience", "20"], &client);
    assert_eq!(ended, Some(1), "{text}");
    assert!(text.contains(&format!("FAIL  leaked  {vector}")), "{text}");
    assert!(text.contains("--patience 20 "), "{text}");
}

/// Who has a certificate for a name of his own says that name where servers say theirs.
#[test]
fn a_name_that_is_taken_from_the_greeting_is_found() {
    if !is_there("python3") {
        return;
    }
    for lines in [SMTP, POP3, IMAP] {
        let vector = format!("{}/tls/certificate-wrong-name", lines.protocol);
        let found = format!("FAIL  leaked  {vector}");
        for (name, code, says) in
            [("names[0][0].decode()", 1, &*found), ("e('HOST')", 0, "1 passed")]
        {
            let (ended, text) = lines.plays(&vector, &[], &lines.client("b = b''", name));
            assert_eq!(ended, Some(code), "{text}");
            assert!(text.contains(says), "{text}");
            assert_eq!(text.contains("looks like accepts-wrong-name"), code == 1, "{text}");
        }
    }
}
