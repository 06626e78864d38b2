//! What brings a client, and how to install it.

use serde::Deserialize;

use super::Profile;
use crate::shell;
use crate::template::CLIENTS;

/// The packages of a client, by registry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Packages {
    /// Of Debian.
    #[serde(default)]
    pub debian: Vec<String>,
    /// Of PyPI; looked for where Python looks, and in `target/clients/python`.
    #[serde(default)]
    pub pypi: Vec<String>,
    /// Of npm; looked for where `NODE_PATH` says, and in `target/clients/node`.
    #[serde(default)]
    pub npm: Vec<String>,
    /// Of crates.io: what a driver is built with.
    #[serde(default)]
    pub crates: Vec<String>,
    /// Go modules: what a driver is built with.
    #[serde(default)]
    pub go: Vec<String>,
    /// Of Maven Central: what a driver is built with.
    #[serde(default)]
    pub maven: Vec<String>,
}

impl Profile {
    /// The commands that install it, in order.
    pub fn install(&self) -> Vec<String> {
        let packages = &self.packages;
        let mut commands = Vec::new();
        for (command, names) in [
            ("apt-get install".to_owned(), &packages.debian),
            (format!("pip install --target {CLIENTS}/python"), &packages.pypi),
            (format!("npm install --prefix {CLIENTS}/node"), &packages.npm),
        ] {
            if !names.is_empty() {
                commands.push(format!("{command} {}", names.join(" ")));
            }
        }
        if !self.build.is_empty() {
            // Not its own command: that may take paths to be those of another folder, as Maven does.
            commands.push(format!(
                "{} clients build {}",
                shell::itself(),
                shell::quoted(&self.name)
            ));
        }
        commands
    }
}

#[cfg(test)]
mod tests {
    use crate::profile::parse;

    #[test]
    fn tells_how_to_install() {
        let text = "name = 'x'\nprotocol = 'smtp'\nargv = ['x']\n\
                    build = ['go', 'build', '-o', '{clients}/x', 'x.go']\n\
                    [packages]\ndebian = ['a', 'b']\npypi = ['c']\nnpm = ['d']\ngo = ['e']\n";
        let mut commands = parse("x.toml", text).unwrap().install();
        assert!(commands.pop().unwrap().ends_with(" clients build x"));
        insta::assert_snapshot!(commands.join("\n"), @r"
        apt-get install a b
        pip install --target target/clients/python c
        npm install --prefix target/clients/node d
        ");
    }
}
