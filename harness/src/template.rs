//! Placeholders in command lines, files and standard input.
//!
//! Only `{word}` with a known word is a placeholder. Other braces, as in JSON or in shell functions,
//! stay as they are, with two exceptions: an unknown lower-case word, and a known word in capitals, are
//! errors, since both are probably mistakes. `{{` and `}}` stand for braces.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use crate::certificate::HOST;
use crate::suggestions::did_you_mean;

/// The known placeholders.
pub const KNOWN: [&str; 10] =
    ["host", "ip", "port", "ca", "dir", "user", "password", "body", "policy", "clients"];

/// The values of a run's placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Values {
    /// The name in the certificate.
    pub host: String,
    /// The address.
    pub ip: String,
    /// The port.
    pub port: u16,
    /// The file with the certificate of the authority to trust.
    pub ca: PathBuf,
    /// The run's directory.
    pub dir: PathBuf,
    /// The canary for the user's name.
    pub user: String,
    /// The canary for the password.
    pub password: String,
    /// The canary for the data.
    pub body: String,
    /// The policy's name.
    pub policy: String,
    /// The folder of programs that were installed for clients.
    pub clients: PathBuf,
}

/// An error in a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A word in braces that is not a placeholder.
    #[error("unknown placeholder `{{{name}}}` at byte {at}")]
    Unknown {
        /// The word.
        name: String,
        /// Its place in bytes.
        at: usize,
    },
    /// A backslash before a letter with which it has no meaning.
    #[error("unknown escape `\\{0}`")]
    Escape(char),
    /// A file name that leaves the run's directory.
    #[error("file name `{0}` does not stay inside the run's directory")]
    Outside(String),
}

impl TemplateError {
    /// The remedy.
    pub fn help(&self) -> String {
        match self {
            Self::Unknown { name, .. } => {
                let braced = KNOWN.map(|known| format!("{{{known}}}"));
                let meant = did_you_mean(&format!("{{{name}}}"), braced.iter().map(String::as_str));
                format!("{meant}known placeholders: {}", braced.join(" "))
            }
            Self::Escape(_) => r"known escapes: `\n`, `\r`, `\t`; `\\` is a backslash".to_owned(),
            Self::Outside(_) => {
                "a file of a run is named relative to the run's directory".to_owned()
            }
        }
    }
}

impl Values {
    /// The values before any run, in this directory.
    pub fn of_no_run(dir: PathBuf) -> Self {
        Self {
            host: HOST.to_owned(),
            ip: "127.0.0.1".to_owned(),
            port: 0,
            ca: dir.join("ca.pem"),
            dir,
            user: "user".to_owned(),
            password: "password".to_owned(),
            body: "body".to_owned(),
            policy: "required".to_owned(),
            clients: clients(),
        }
    }

    fn get(&self, name: &str) -> Option<String> {
        Some(match name {
            "host" => self.host.clone(),
            "ip" => self.ip.clone(),
            "port" => self.port.to_string(),
            "ca" => self.ca.display().to_string(),
            "dir" => self.dir.display().to_string(),
            "user" => self.user.clone(),
            "password" => self.password.clone(),
            "body" => self.body.clone(),
            "policy" => self.policy.clone(),
            "clients" => self.clients.display().to_string(),
            _ => return None,
        })
    }

    /// The environment of a client under test: the placeholders, and its own home folder.
    pub fn environment(&self) -> Vec<(OsString, OsString)> {
        let mut environment: Vec<(OsString, OsString)> = KNOWN
            .iter()
            .filter_map(|name| {
                let value = self.get(name)?;
                Some((variable(name).into(), value.into()))
            })
            .collect();
        let inside = |folder: &str| OsString::from(self.dir.join(folder));
        environment.extend([
            ("HOME".into(), self.dir.clone().into()),
            ("XDG_CONFIG_HOME".into(), inside(".config")),
            ("XDG_CACHE_HOME".into(), inside(".cache")),
            ("XDG_DATA_HOME".into(), inside(".local/share")),
            ("XDG_STATE_HOME".into(), inside(".local/state")),
            ("XDG_RUNTIME_DIR".into(), inside(".run")),
            ("TMPDIR".into(), self.dir.clone().into()),
            ("SSL_CERT_FILE".into(), self.ca.clone().into()),
        ]);
        environment
    }
}

/// The environment variable with the value of a placeholder.
pub fn variable(placeholder: &str) -> String {
    format!("UPWARD_{}", placeholder.to_uppercase())
}

/// The default folder for programs that are installed only for clients; `UPWARD_CLIENTS` overrides it.
pub const CLIENTS: &str = "target/clients";

/// The folder of [`CLIENTS`], as an absolute path.
pub fn clients() -> PathBuf {
    let said = std::env::var_os("UPWARD_CLIENTS").filter(|said| !said.is_empty());
    let folder = said.map_or_else(|| PathBuf::from(CLIENTS), PathBuf::from);
    std::path::absolute(&folder).unwrap_or(folder)
}

/// Replaces the placeholders.
///
/// # Errors
///
/// [`TemplateError::Unknown`] for a word in braces that looks like a placeholder and is not one.
pub fn render(template: &str, values: &Values) -> Result<String, TemplateError> {
    expand(template, |name| values.get(name))
}

/// The placeholders that a template uses.
///
/// # Errors
///
/// As [`render`].
pub fn check(template: &str) -> Result<Vec<&'static str>, TemplateError> {
    let mut used = Vec::new();
    expand(template, |name| {
        let known = KNOWN.into_iter().find(|known| *known == name)?;
        used.push(known);
        Some(String::new())
    })?;
    Ok(used)
}

fn expand(
    template: &str,
    mut value: impl FnMut(&str) -> Option<String>,
) -> Result<String, TemplateError> {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        text.push_str(&rest[..at]);
        let here = &rest[at..];
        if here.starts_with("{{") || here.starts_with("}}") {
            text.push_str(&here[..1]);
            rest = &here[2..];
            continue;
        }
        let word = here[1..].split('}').next().unwrap_or_default();
        let in_braces = here.starts_with('{') && here.len() > word.len() + 1;
        // A shell's variable is in capitals, after a dollar sign.
        if !in_braces || !is_placeholder(word, text.ends_with('$')) {
            text.push_str(&here[..1]);
            rest = &here[1..];
            continue;
        }
        match value(word) {
            Some(value) => text.push_str(&value),
            None => {
                return Err(TemplateError::Unknown {
                    name: word.to_owned(),
                    at: template.len() - here.len(),
                });
            }
        }
        rest = &here[word.len() + 2..];
    }
    text.push_str(rest);
    Ok(text)
}

/// Whether a word in braces is probably meant as a placeholder.
fn is_placeholder(word: &str, of_a_shell: bool) -> bool {
    let lower = word.to_ascii_lowercase();
    !word.is_empty()
        && lower.bytes().all(|byte| byte.is_ascii_lowercase())
        && (word == lower || (KNOWN.contains(&&*lower) && !of_a_shell))
}

/// Replaces `\n`, `\r`, `\t` and `\\` in a template from a command line.
///
/// # Errors
///
/// [`TemplateError::Escape`] for a backslash before anything else.
pub fn unescape(text: &str) -> Result<String, TemplateError> {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            plain.push(character);
            continue;
        }
        match characters.next() {
            Some('n') => plain.push('\n'),
            Some('r') => plain.push('\r'),
            Some('t') => plain.push('\t'),
            Some('\\') | None => plain.push('\\'),
            Some(other) => return Err(TemplateError::Escape(other)),
        }
    }
    Ok(plain)
}

/// A file name that stays inside the run's directory.
///
/// # Errors
///
/// [`TemplateError::Outside`] for absolute names, `..` and the empty name.
pub fn inside(name: &str) -> Result<&Path, TemplateError> {
    let path = Path::new(name);
    let plain = |component: Component<'_>| matches!(component, Component::Normal(_));
    if name.is_empty() || !path.components().all(plain) {
        return Err(TemplateError::Outside(name.to_owned()));
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values() -> Values {
        Values {
            host: "localhost".into(),
            ip: "127.0.0.1".into(),
            port: 2525,
            ca: "/run/ca.pem".into(),
            dir: "/run".into(),
            user: "u1".into(),
            password: "p1".into(),
            body: "b1".into(),
            policy: "required".into(),
            clients: "/clients".into(),
        }
    }

    #[test]
    fn fills_in_what_is_known_and_keeps_other_braces() {
        let text = render("{user}:{password}@{host}:{port} {} {\"a\": 1} ${HOME} {{x}}", &values());
        assert_eq!(text.unwrap(), "u1:p1@localhost:2525 {} {\"a\": 1} ${HOME} {x}");
    }

    #[test]
    fn complains_about_slips() {
        assert_eq!(
            render("a {pasword}", &values()),
            Err(TemplateError::Unknown { name: "pasword".into(), at: 2 })
        );
        assert_eq!(check("{user} {body} {user}").unwrap(), ["user", "body", "user"]);
        let slip = check("smtp://{HOST}:{port}").unwrap_err();
        assert_eq!(slip, TemplateError::Unknown { name: "HOST".into(), at: 7 });
        assert!(slip.help().starts_with("did you mean `{host}`? "), "{}", slip.help());
        assert_eq!(check("${HOST} {HOME} {Host: x}").unwrap(), Vec::<&str>::new());
    }

    #[test]
    fn keeps_files_inside() {
        assert!(inside("mail").is_ok());
        assert!(inside("etc/msmtprc").is_ok());
        for name in ["", "/etc/passwd", "../x", "a/../../x", "."] {
            assert!(inside(name).is_err(), "{name}");
        }
    }

    #[test]
    fn reads_escapes() {
        let read = unescape(r"Subject: t\n\n{body}\n\\n").unwrap();
        assert_eq!(read, "Subject: t\n\n{body}\n\\n");
        assert_eq!(unescape(r"a\q"), Err(TemplateError::Escape('q')));
    }

    proptest! {
        #[test]
        fn never_panics(text in ".*") {
            let _ = render(&text, &values());
            let _ = unescape(&text).map(|text| check(&text));
        }
    }
}
