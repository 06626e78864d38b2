//! The profiles that are built in: every TOML file in `harness/clients/`, and the programs in
//! `harness/clients/drivers/` that they name.

use include_dir::{Dir, include_dir};

use super::{Profile, ProfileError, parse};

/// The folder.
static CLIENTS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/clients");

/// The bundled profiles, by name.
///
/// # Errors
///
/// If a profile is malformed, which a test excludes.
pub fn bundled() -> Result<Vec<Profile>, ProfileError> {
    let mut profiles: Vec<Profile> = CLIENTS
        .files()
        .filter(|file| file.path().extension().is_some_and(|extension| extension == "toml"))
        .map(|file| {
            let name = format!("harness/clients/{}", file.path().display());
            parse(&name, file.contents_utf8().unwrap_or_default())
        })
        .collect::<Result<_, _>>()?;
    profiles.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(profiles)
}

/// A built-in driver.
pub(super) fn driver(name: &str) -> Option<&'static [u8]> {
    CLIENTS.get_file(format!("drivers/{name}")).map(include_dir::File::contents)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use include_dir::DirEntry;

    use super::*;

    #[test]
    fn bundled_profiles_are_sound_and_distinct() {
        let profiles = bundled().unwrap();
        let names: BTreeSet<_> = profiles.iter().map(|profile| &profile.name).collect();
        assert_eq!(names.len(), profiles.len());
        assert!(
            profiles.iter().all(|profile| crate::catalogue::by_name(&profile.protocol).is_some())
        );
    }

    /// A user who lacks a client must learn how to install it; a user who has it must see its version.
    #[test]
    fn bundled_profiles_say_what_brings_them() {
        for profile in bundled().unwrap() {
            assert!(!profile.version.is_empty(), "{}", profile.name);
            assert!(!profile.install().is_empty(), "{}", profile.name);
        }
    }

    /// Every file in `drivers` is a driver; drivers that must be built have a folder of their own
    /// there.
    #[test]
    fn every_driver_is_used() {
        let profiles = bundled().unwrap();
        for entry in CLIENTS.get_dir("drivers").unwrap().entries() {
            let path = entry.path();
            let name = path.file_name().unwrap().to_string_lossy();
            let is_used = profiles.iter().any(|profile| match entry {
                DirEntry::File(_) => profile.drivers.iter().any(|driver| *driver == name),
                DirEntry::Dir(_) => {
                    profile.build.iter().any(|word| word.contains(&format!("drivers/{name}")))
                }
            });
            assert!(is_used, "{}", path.display());
        }
    }
}
