//! The command line: help texts, errors before anything runs, programs that behave badly.

use std::process::Output;

use assert_cmd::Command;
use tempfile::TempDir;
use upward::catalogue;
use upward_model::protocol::PROTOCOLS;

fn upward(folder: &TempDir, arguments: &[&str]) -> Output {
    Command::cargo_bin("upward")
        .expect("the program is built")
        .current_dir(folder.path())
        .env_remove("GITHUB_STEP_SUMMARY")
        .args(arguments)
        .output()
        .expect("the program runs")
}

fn fresh() -> TempDir {
    TempDir::new().expect("a folder")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn helps() {
    for verb in
        ["", "run", "clients", "report", "waive", "prove", "flaws", "explore", "serve", "vectors"]
    {
        let arguments: Vec<&str> =
            if verb.is_empty() { vec!["--help"] } else { vec![verb, "--help"] };
        let output = upward(&fresh(), &arguments);
        assert_eq!(output.status.code(), Some(0));
        insta::assert_snapshot!(format!("help_{verb}"), stdout(&output));
    }
}

/// What is installed beside the program, and what the program says of itself and of this machine.
#[test]
fn is_installed_with_what_a_shell_needs() {
    let generation = include_str!("../../../vectors/generation");
    let version = upward(&fresh(), &["--version"]);
    let version = stdout(&version).trim_end().to_owned();
    assert_eq!(version, format!("upward {} (vectors {generation})", env!("CARGO_PKG_VERSION")));
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = stdout(&upward(&fresh(), &["completions", shell]));
        assert!(script.contains("isolate") && script.contains("doctor"), "{shell}: {script}");
    }
    let page = stdout(&upward(&fresh(), &["man"]));
    assert!(page.contains(".TH upward 1"), "{page}");
    let folder = fresh();
    let pages = upward(&folder, &["man", "--directory", "pages"]);
    assert_eq!(pages.status.code(), Some(0), "{}", stderr(&pages));
    let page = std::fs::read_to_string(folder.path().join("pages/upward-run.1")).unwrap();
    assert!(page.contains("isolate"), "{page}");
    let doctor = upward(&fresh(), &["doctor"]);
    let said = stdout(&doctor);
    assert_eq!(doctor.status.code(), Some(0), "{said}");
    for line in
        [version.trim_start_matches("upward "), "bundled ones are installed", "isolation   "]
    {
        assert!(said.contains(line), "{said}");
    }
    assert!(said.contains("which can be written to"), "{said}");
}

#[test]
fn proves_the_manual() {
    let output = upward(&fresh(), &["prove", "--protocol", "manual"]);
    assert_eq!(output.status.code(), Some(0));
    insta::with_settings!({ filters => vec![(r"transitions, [0-9.]+.?s", "transitions, [time]")] }, {
        insta::assert_snapshot!("prove_manual", stdout(&output));
    });
}

#[test]
fn shows_what_a_flaw_breaks() {
    let output = upward(&fresh(), &["prove", "--protocol", "smtp", "--flaw", "keeps-buffer"]);
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!("prove_smtp_keeps_buffer", stdout(&output));
    let output =
        upward(&fresh(), &["prove", "--protocol", "postgresql", "--flaw", "keeps-fragment"]);
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn explains_flaws() {
    insta::assert_snapshot!("flaws", stdout(&upward(&fresh(), &["flaws"])));
}

#[test]
fn shows_a_vector() {
    let output = upward(&fresh(), &["vectors", "show", "smtp/rsp/upgrade-then-no-offer-with-lure"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    insta::assert_snapshot!("vector", stdout(&output));
}

/// Errors that are found before anything runs: exit code 2, and what to do about it.
#[test]
fn refuses_what_cannot_be_run() {
    let folder = fresh();
    std::fs::write(
        folder.path().join("wrong.json"),
        "{\n  \"$schema\": \"x\",\n  \"format\": 1,\n  \"protokol\": \"smtp\"\n}\n",
    )
    .expect("a file");
    std::fs::write(
        folder.path().join("empty.toml"),
        "[[waiver]]\nvector = \"smtp/*\"\noutcome = \"leaked\"\nreason = \"\"\n",
    )
    .expect("a file");
    let absent = "name = 'absent'\nprotocol = 'smtp'\nargv = ['no-such-program']\n";
    std::fs::write(folder.path().join("absent.toml"), absent).expect("a file");
    let versionless =
        "name = 'versionless'\nprotocol = 'smtp'\nargv = ['true']\nversion = ['false']\n";
    std::fs::write(folder.path().join("versionless.toml"), versionless).expect("a file");
    let wrong = "name = 'wrong'\nprotocol = 'smtp'\nargv = ['program', '--port={prot}']\n";
    std::fs::write(folder.path().join("wrong.toml"), wrong).expect("a file");
    let known: Vec<&str> = PROTOCOLS.iter().map(|protocol| protocol.name).collect();
    let mut text = String::new();
    for arguments in [
        vec!["run", "--protocol", "smtp", "--", "no-such-program"],
        vec!["run", "--protocol", "smpt", "--", "true"],
        vec!["run", "--", "true"],
        vec!["run", "--protocol", "smtp"],
        vec!["run", "--protocol", "ldap", "--", "true"],
        vec!["run", "--protocol", "smtp", "--", "curl", "{hots}"],
        vec!["run", "--protocol", "smtp", "--file", "../x=y", "--", "true"],
        vec!["run", "--protocol", "smtp", "--file", "nothing", "--", "true"],
        vec!["run", "--protocol", "smtp", "--file", "=x", "--", "true"],
        vec!["run", "--protocol", "smtp", "--file", "x=1", "--file", "x=2", "--", "true"],
        vec!["run", "--protocol", "smtp", "--file", "x=\\q", "--", "true"],
        vec!["run", "--protocol", "smtp", "--stdin", "\\q", "--", "true"],
        vec!["run", "--protocol", "smtp", "--", "curl", "smtp://{HOST}:{port}"],
        vec!["run", "--protocol", "smtp", "--deadline", "0", "--", "true"],
        vec!["run", "--protocol", "smtp", "--report", "json=no-such-folder/x", "--", "true"],
        vec!["run", "--protocol", "smtp", "--report", "json=.", "--", "true"],
        vec!["run", "--protocol", "smtp", "--report", "yaml=x", "--", "true"],
        vec!["run", "--protocol", "smtp", "--vectors", "wrong.json", "--", "true"],
        vec!["run", "--protocol", "smtp", "--vectors", "missing.json", "--", "true"],
        vec!["run", "--protocol", "smtp", "--waivers", "empty.toml", "--", "true"],
        vec!["run", "--protocol", "smtp", "--waivers", "missing.toml", "--", "true"],
        vec!["run", "--protocol", "smtp", "--shard", "5/4", "--", "true"],
        vec!["run", "--protocol", "smtp", "--tier", "smoke", "--shard", "19/19", "--", "true"],
        vec!["run", "--client", "curl*", "--report", "json=x.json"],
        vec!["run", "--report", "json=x.json"],
        vec!["run", "--report", "tap=-"],
        vec!["report"],
        vec!["report", "wrong.json"],
        vec!["report", "missing.json"],
        vec!["waive", "wrong.json"],
        vec!["waive", "wrong.json", "--expires", "soon"],
        vec!["run", "--client", "no such client"],
        vec!["run", "--client", "mstmp"],
        vec!["run", "--client", "wrong.toml"],
        vec!["run", "--client", "./missing.toml"],
        vec!["run", "--client", "absent.toml"],
        vec!["run", "--client", "curl", "--protocol", "imap"],
        vec!["run", "--all", "--client", "curl"],
        vec!["clients", "check", "wrong.toml", "absent.toml", "missing.toml"],
        vec!["clients", "check", "--run", "absent.toml"],
        vec!["clients", "check", "--run", "versionless.toml"],
        vec!["clients", "new", "absent", "--", "absent"],
        vec!["clients", "new", "other", "--protocol", "smpt", "--", "other"],
        vec!["clients", "new", "other", "--", "other", "{hots}"],
        vec!["clients", "build", "curl"],
        vec!["clients", "build", "no such client"],
        vec!["run", "--protocol", "smtp", "-f", "nothing/*", "--", "true"],
        vec!["run", "--client", "curl", "-f", "smtp/neg/*", "-f", "nothing/*"],
        vec!["run", "--client", "curl", "--policy", "opportunistic"],
        vec!["run", "--all", "--file", "a=b"],
        vec!["run", "--policy", "opportunistic"],
        vec!["run", "-p", "smtp", "--policy", "implicit", "--tier", "smoke", "--", "true"],
        vec!["run", "-p", "smtp", "--", "absent --host {host}"],
        vec!["run", "-p", "smtp", "absent", "--host"],
        vec!["run", "--protcol", "smtp"],
        vec!["prove", "--flaw", "no-such-flaw"],
        vec!["vectors", "show", "smtp/neg/no-such-vector"],
        vec!["vectors", "show", "smtp/neg/upgrade-445"],
        vec!["run", "-p", "smtp", "-f", "smtp/neg/upgrade-445", "--", "true"],
        vec!["run", "-p", "smtp", "-f", "imap/neg/upgrade-bad", "--", "true"],
    ] {
        let output = upward(&folder, &arguments);
        text += &format!(
            "$ upward {}\nexit {}\n{}\n",
            arguments.join(" "),
            output.status.code().unwrap_or(-1),
            stderr(&output)
        );
    }
    // The lists of protocols are left out: a new protocol then changes no snapshot.
    for names in [catalogue::names(), known.join(", ")] {
        text = text.replace(&names, "[protocols]");
    }
    insta::assert_snapshot!("errors", text);
}

/// A profile to begin with is one, and is not written over another; what is checked is not run.
#[test]
fn writes_and_checks_a_profile() {
    let folder = fresh();
    let own = ["clients", "new", "my client", "--file", r"mail=Subject: t\n\n{body}\n"];
    let own = [&own[..], &["--", "sh", "-c", "test -s mail && touch ran; exit 1"]].concat();
    let output = upward(&folder, &own);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let said = stdout(&output).replace(env!("CARGO_BIN_EXE_upward"), "upward");
    insta::assert_snapshot!("clients_new", said);
    assert_eq!(upward(&folder, &own).status.code(), Some(2));
    let output = upward(&folder, &["clients", "check", "my-client.toml"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stdout(&output), "my-client.toml: my client: smtp under policy required\n");
    assert!(!folder.path().join("target").exists());
    let check = ["clients", "check", "--run", "--directory", "runs", "my-client.toml"];
    let output = upward(&folder, &check);
    assert_eq!(output.status.code(), Some(3), "{}", stdout(&output));
    assert!(stdout(&output).contains("the client never connected"), "{}", stdout(&output));
    assert!(folder.path().join("runs/my-client/control-first/ran").exists());
}

/// A pattern selects from every tier, unless a tier is asked for.
#[test]
fn a_pattern_and_a_tier_select_what_is_in_both() {
    let folder = fresh();
    let selected = |more: &[&str]| {
        let options = ["run", "--protocol", "smtp", "--report", "json=-", "-f", "smtp/neg/*"];
        let output = upward(&folder, &[&options[..], more, &["--", "true"]].concat());
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        report["selection"]["vectors"].as_u64().expect("a count")
    };
    let (smoke, standard, full) =
        (selected(&["--tier", "smoke"]), selected(&["--tier", "standard"]), selected(&[]));
    assert!(0 < smoke && smoke < standard && standard < full, "{smoke} {standard} {full}");
    assert_eq!(selected(&["--tier", "full"]), full);
}

/// A daemon that is handed its work; what its user is told is asked for afterwards.
#[test]
fn a_daemon_is_started_and_asked_and_stopped() {
    let folder = fresh();
    let profile = r#"
        name = "daemon"
        protocol = "smtp"
        argv = ["sh", "-c", "echo work >pipe"]
        [daemon]
        argv = ["sh", "-c", "mkfifo pipe; echo ready; read work <pipe; echo \"$work\" >log; echo done; sleep 27.1829"]
        ready = { output = ["ready"] }
        done = { output = ["done"] }
        [tells]
        command = ["sh", "-c", "touch asked; grep -q nothing log"]
    "#;
    std::fs::write(folder.path().join("daemon.toml"), profile).expect("a file");
    let output = upward(&folder, &["clients", "check", "--run", "daemon.toml"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let run = folder.path().join("target/upward/daemon/control-first");
    assert_eq!(std::fs::read_to_string(run.join("log")).expect("a log"), "work\n");
    assert!(run.join("asked").exists());
    assert!(stdout(&output).contains("the client never connected"), "{}", stdout(&output));
    let left = std::fs::read_dir("/proc").expect("/proc").filter_map(Result::ok).any(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains("sleep\u{0}27.1829")
    });
    assert!(!left);
}

/// Programs that are no clients: no verdict, exit code 3, nothing left behind.
#[test]
fn programs_that_do_nothing_get_no_verdict() {
    for script in ["exit 0", "exit 7", "head -c 3000000 /dev/zero", "trap '' TERM; sleep 27.1828"] {
        let folder = fresh();
        let output = upward(
            &folder,
            &["run", "--protocol", "smtp", "--deadline", "1", "--", "sh", "-c", script],
        );
        assert_eq!(output.status.code(), Some(3), "{script}: {}", stdout(&output));
        assert!(stdout(&output).contains("the client never connected"), "{}", stdout(&output));
    }
    let left = std::fs::read_dir("/proc").expect("/proc").filter_map(Result::ok).any(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains("27.1828")
    });
    assert!(!left);
}

/// A program is named from where the caller is, and runs in the run's folder.
#[test]
fn a_program_is_found_from_the_callers_folder() {
    let folder = fresh();
    let program = folder.path().join("client");
    std::fs::write(&program, "#!/bin/sh\ntouch here; exit 7\n").expect("a file");
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("a program");
    let output = upward(&folder, &["run", "--protocol", "smtp", "--", "./client"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stdout(&output).starts_with("./client: smtp"), "{}", stdout(&output));
    assert!(folder.path().join("target/upward/client/control-first/here").exists());
}

#[test]
fn a_full_disk_is_an_error_and_a_closed_pipe_an_end() {
    let full = std::fs::File::options().write(true).open("/dev/full").expect("there is /dev/full");
    let program = env!("CARGO_BIN_EXE_upward");
    let flaws = |output: std::process::Stdio| {
        let mut command = std::process::Command::new(program);
        command.arg("flaws").stdout(output).stderr(std::process::Stdio::piped());
        command.spawn().expect("the program starts").wait_with_output().expect("it ends")
    };
    let output = flaws(full.into());
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("failed to write to standard output"), "{}", stderr(&output));
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = flaws(writer.into());
    assert_eq!(output.status.code(), Some(141));
    assert_eq!(stderr(&output), "");
}
