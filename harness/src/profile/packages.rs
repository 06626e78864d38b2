//! The packages of a client, and how to install them.

use serde::Deserialize;

use super::Profile;
use crate::shell;
use crate::template::CLIENTS;

/// The packages of a client, by registry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Packages {
    /// Debian packages.
    #[serde(default)]
    pub debian: Vec<String>,
    /// PyPI packages; searched for where Python does, and in `target/clients/python`.
    #[serde(default)]
    pub pypi: Vec<String>,
    /// npm packages; searched for in `NODE_PATH`, and in `target/clients/node`.
    #[serde(default)]
    pub npm: Vec<String>,
    /// Crates from crates.io, to build a driver.
    #[serde(default)]
    pub crates: Vec<String>,
    /// Go modules, to build a driver.
    #[serde(default)]
    pub go: Vec<String>,
    /// Maven Central packages, to build a driver.
    #[serde(default)]
    pub maven: Vec<String>,
}

impl Profile {
    /// The commands that install the client, in order.
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
            // Not its own build command: some tools, such as Maven, resolve paths against another
            // folder.
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
