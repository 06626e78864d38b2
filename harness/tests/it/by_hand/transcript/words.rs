//! The lines of a transcript, and what stands in them for what differs from run to run.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::{Digest as _, Md5};
use upward::canary::{Canaries, Challenge};
use upward_model::message::{Command, Layer};

/// Who says something in which layer, whether the line is ended, and the words.
pub(super) fn said(line: &str) -> Option<(bool, Layer, bool, &str)> {
    let (head, words) = line.split_once(':')?;
    let words = words.strip_prefix(' ').unwrap_or(words);
    Some(match head {
        "C" => (true, Layer::Clear, true, words),
        "S" => (false, Layer::Clear, true, words),
        "S~" => (false, Layer::Clear, false, words),
        "C[tls]" => (true, Layer::Tls, true, words),
        "S[tls]" => (false, Layer::Tls, true, words),
        _ => return None,
    })
}

/// Words with what the client carries, and what it answers to the challenge that was given last.
pub(super) fn filled(words: &str, canaries: &Canaries, challenges: &[Challenge]) -> String {
    let Canaries { user, password, body } = canaries;
    let hex = |digest: &[u8]| -> String { digest.iter().map(|b| format!("{b:02x}")).collect() };
    let last = |find: fn(&Challenge) -> Option<&[u8]>| challenges.iter().rev().find_map(find);
    let cram = last(|challenge| match challenge {
        Challenge::CramMd5(text) => Some(text),
        _ => None,
    });
    let cram = cram.map(|text| {
        let mac = Hmac::<Md5>::new_from_slice(password.as_bytes()).unwrap();
        let digest = hex(&mac.chain_update(text).finalize().into_bytes());
        STANDARD.encode(format!("{user} {digest}"))
    });
    let apop = last(|challenge| match challenge {
        Challenge::Apop(stamp) => Some(stamp),
        _ => None,
    });
    let apop = apop
        .map(|stamp| hex(&Md5::new().chain_update(stamp).chain_update(password).finalize()[..]));
    words
        .replace("{plain}", &STANDARD.encode(format!("\0{user}\0{password}")))
        .replace("{user64}", &STANDARD.encode(user))
        .replace("{password64}", &STANDARD.encode(password))
        .replace("{cram}", &cram.unwrap_or_default())
        .replace("{apop}", &apop.unwrap_or_default())
        .replace("{user}", user)
        .replace("{password}", password)
        .replace("{body}", body)
}

/// The challenges in what a server says, which a client answers with its password.
pub(super) fn challenges(bytes: &[u8]) -> Vec<Challenge> {
    let mut challenges = Vec::new();
    for line in bytes.split(|&byte| byte == b'\n') {
        let text = line.strip_prefix(b"334 ").or_else(|| line.strip_prefix(b"+ "));
        let text = text.map(<[u8]>::trim_ascii).filter(|text| !text.is_empty());
        // What asks for a literal, or for the data, is text.
        if let Some(Ok(text)) = text.map(|text| STANDARD.decode(text)) {
            challenges.push(Challenge::CramMd5(text));
        }
        // The time stamp of a greeting (RFC 1939 section 7).
        let place = |wanted| line.iter().position(|&byte| byte == wanted);
        if let (true, Some(from), Some(to)) =
            (line.starts_with(b"+OK POP3"), place(b'<'), place(b'>'))
        {
            challenges.push(Challenge::Apop(line[from..=to].to_vec()));
        }
    }
    challenges
}

/// The verb of a command of the client, and the mechanism of a login; data and answers have none.
pub(super) fn verb(said: &[u8], command: Command) -> String {
    let text = String::from_utf8_lossy(said).to_ascii_uppercase();
    let words: Vec<&str> = text.split_whitespace().take(3).collect();
    let known = [
        "EHLO",
        "HELO",
        "AUTH",
        "MAIL",
        "RCPT",
        "DATA",
        "QUIT",
        "CAPA",
        "USER",
        "PASS",
        "STAT",
        "RETR",
        "CAPABILITY",
        "LOGIN",
        "AUTHENTICATE",
        "APPEND",
        "SELECT",
        "FETCH",
        "LOGOUT",
        "NOOP",
        "RSET",
    ];
    let Some(at) = words.iter().take(2).position(|word| known.contains(word)) else {
        return format!("({})", command.word());
    };
    let names = words[at].starts_with("AUTH");
    words[at..].iter().take(1 + usize::from(names)).copied().collect::<Vec<_>>().join(" ")
}
