//! Mistakes of small clients in Python, which have to be found from what they say alone; mended, the same
//! clients have to pass.

mod runs;
mod sources;
mod table;

use tempfile::TempDir;

use crate::programs::{is_there, upward};

/// A client that speaks in lines: how it asks for TLS, and how it logs in.
struct Lines<'a> {
    protocol: &'a str,
    upgrade: &'a str,
    login: &'a str,
    /// The word of the greeting that is the server's name, in Python.
    name: &'a str,
}

const SMTP: Lines<'_> = Lines {
    protocol: "smtp",
    upgrade: "ask('', b'220'); ask('EHLO x.test', b'250 '); ask('STARTTLS', b'220')",
    login: "ask('EHLO x.test', b'250 '); \
            ask('AUTH PLAIN ' + b64(e('USER'), e('PASSWORD')), b'235'); s.sendall(b'QUIT\\r\\n')",
    name: "heard[0].split()[1].decode()",
};

const POP3: Lines<'_> = Lines {
    protocol: "pop3",
    upgrade: "ask('', b'+OK'); ask('STLS', b'+OK')",
    login: "ask('USER ' + e('USER'), b'+OK'); ask('PASS ' + e('PASSWORD'), b'+OK'); \
            s.sendall(b'QUIT\\r\\n')",
    name: "heard[0].split()[2].decode()",
};

const IMAP: Lines<'_> = Lines {
    protocol: "imap",
    upgrade: "ask('', b'* OK'); ask('1 STARTTLS', b'1 OK')",
    login: "ask('2 LOGIN ' + e('USER') + ' ' + e('PASSWORD'), b'2 OK'); s.sendall(b'3 LOGOUT\\r\\n')",
    name: "heard[0].split()[-2].decode()",
};

impl Lines<'_> {
    /// The client; what it does with what it has read behind the answer to its request, and the name that
    /// it checks, are Python.
    fn client(&self, kept: &str, name: &str) -> String {
        let Self { upgrade, login, .. } = self;
        let script = format!(
            "import base64, os, socket, ssl\n\
             e = lambda name: os.environ['UPWARD_' + name]\n\
             b64 = lambda *words: base64.b64encode(''.join('\\0' + w for w in words).encode()).decode()\n\
             s = socket.create_connection((e('HOST'), int(e('PORT'))))\n\
             b, heard = b'', []\n\
             def ask(line, good):\n\
             \x20   global b\n\
             \x20   if line: s.sendall(line.encode() + b'\\r\\n')\n\
             \x20   said = b''\n\
             \x20   while said[:2] != good[:2] and said[:1] not in (b'4', b'5') or said[3:4] == b'-':\n\
             \x20       while b'\\n' not in b:\n\
             \x20           more = s.recv(4096)\n\
             \x20           if not more: raise SystemExit(1)\n\
             \x20           b += more\n\
             \x20       said, b = b.split(b'\\n', 1)\n\
             \x20       heard.append(said)\n\
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

/// Who goes on in clear when EHLO fails says HELO first, and HELO is answered.
#[test]
fn a_fallback_to_helo_is_found() {
    if !is_there("python3") {
        return;
    }
    let vector = "smtp/neg/capabilities-ehlo-500";
    let falls_back = Lines {
        upgrade: "ask('', b'220')\n\
                  try:\n\
                  \x20   ask('EHLO x.test', b'250 ')\n\
                  except SystemExit:\n\
                  \x20   ask('HELO x.test', b'250 ')\n\
                  \x20   ask('AUTH PLAIN ' + b64(e('USER'), e('PASSWORD')), b'235'); raise SystemExit(0)\n\
                  ask('STARTTLS', b'220')",
        ..SMTP
    };
    let (ended, text) = falls_back.plays(vector, &[], &falls_back.client("b = b''", "e('HOST')"));
    assert_eq!(ended, Some(1), "{text}");
    assert!(text.contains(&format!("FAIL  leaked  {vector}")), "{text}");
    assert!(text.contains("looks like ignores-capability-error"), "{text}");
    let (ended, text) = SMTP.plays(vector, &[], &SMTP.client("b = b''", "e('HOST')"));
    assert_eq!(ended, Some(0), "{text}");
}

/// What was offered in clear decides nothing inside TLS: not whether the client logs in, nor how.
#[test]
fn an_offer_that_is_kept_is_found_by_the_login() {
    if !is_there("python3") {
        return;
    }
    let vector = "smtp/tmp/capabilities-offer-with-lure";
    let delivers = "ask('MAIL FROM:<a@x.test>', b'250 '); ask('RCPT TO:<b@x.test>', b'250 '); \
                    ask('DATA', b'354'); ask(e('BODY') + '\\r\\n.', b'250 '); s.sendall(b'QUIT\\r\\n')";
    let plain = "ask('AUTH PLAIN ' + b64(e('USER'), e('PASSWORD')), b'235')";
    let login = "ask('AUTH LOGIN', b'334'); ask(b64(e('USER'))[4:], b'334')";
    for (otherwise, why) in [
        (
            "pass",
            "sent `MAIL` inside TLS; in a second run, without the attack, it sent `AUTH PLAIN` there",
        ),
        (
            login,
            "sent `AUTH LOGIN` inside TLS; in a second run, without the attack, it sent `AUTH PLAIN` there",
        ),
    ] {
        for (kept, code) in [("offers = heard[:4]", 1), ("offers = heard[-9:]", 0)] {
            let login = format!(
                "ask('EHLO x.test', b'250 ')\n{kept}\n\
                 if any(b'PLAIN' in line for line in offers): {plain}\nelse: {otherwise}\n{delivers}"
            );
            let client = Lines { login: &login, ..SMTP };
            let (ended, text) = client.plays(vector, &[], &client.client("b = b''", "e('HOST')"));
            assert_eq!(ended, Some(code), "{text}");
            assert_eq!(text.contains(why), code == 1, "{text}");
            assert_eq!(text.contains("looks like keeps-capabilities"), code == 1, "{text}");
        }
    }
}

/// A client that keeps the list shows so once the list names one mechanism alone that it has, and would not have
/// chosen.
#[test]
fn an_offer_of_one_mechanism_is_found_by_the_choice() {
    if !is_there("python3") {
        return;
    }
    let delivers = "ask('MAIL FROM:<a@x.test>', b'250 '); ask('RCPT TO:<b@x.test>', b'250 '); \
                    ask('DATA', b'354'); ask(e('BODY') + '\\r\\n.', b'250 '); s.sendall(b'QUIT\\r\\n')";
    let plain = "ask('AUTH PLAIN ' + b64(e('USER'), e('PASSWORD')), b'235')";
    let login = "ask('AUTH LOGIN', b'334'); ask(b64(e('USER'))[4:], b'334'); \
                 ask(b64(e('PASSWORD'))[4:], b'235')";
    let chooses = |name: &str, else_name: &str| {
        let says = |name: &str| if name == "LOGIN" { login } else { plain };
        format!(
            "ask('EHLO x.test', b'250 ')\nKEPT\nnames = b' '.join(offers).split()\n\
             if b'{name}' in names: {}\nelif b'{else_name}' in names: {}\n\
             else: raise SystemExit(1)\n{delivers}",
            says(name),
            says(else_name)
        )
    };
    for (first, second) in [("PLAIN", "LOGIN"), ("LOGIN", "PLAIN")] {
        for (kept, code) in [("offers = heard[:4]", 1), ("offers = heard[-9:]", 0)] {
            let login = chooses(first, second).replace("KEPT", kept);
            let client = Lines { login: &login, ..SMTP };
            let program = client.client("b = b''", "e('HOST')");
            let alone = format!("smtp/tmp/capabilities-offer-of-{}-alone", second.to_lowercase());
            let (ended, text) = client.plays(&alone, &[], &program);
            assert_eq!(ended, Some(code), "{text}");
            let why = format!(
                "sent `AUTH {second}` inside TLS; in a second run, without the attack, it sent `AUTH {first}`"
            );
            assert_eq!(text.contains(&why), code == 1, "{text}");
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
        for (name, code, says) in [(lines.name, 1, &*found), ("e('HOST')", 0, "1 passed")] {
            let (ended, text) = lines.plays(&vector, &[], &lines.client("b = b''", name));
            assert_eq!(ended, Some(code), "{text}");
            assert!(text.contains(says), "{text}");
            assert_eq!(text.contains("looks like takes-name-from-wire"), code == 1, "{text}");
        }
    }
}
