//! Quotes command lines that are printed for pasting into a shell.

/// This program as it was started: its name, or its path if the name is not found.
pub(crate) fn itself() -> String {
    let called = std::env::args_os().next().unwrap_or_default();
    if called.is_empty() { "upward".to_owned() } else { quoted(&called.to_string_lossy()) }
}

/// A word, quoted for a shell if necessary.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_need_not_be_quoted_is_not() {
        assert_eq!(quoted("--cacert={ca}"), "'--cacert={ca}'");
        assert_eq!(quoted("target/release/upward"), "target/release/upward");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn a_shell_reads_what_was_quoted(word in "[^\0]{0,20}") {
            let printed = format!("printf %s {}", quoted(&word));
            let output = Command::new("sh").args(["-c", &printed]).output().unwrap();
            prop_assert_eq!(output.stdout, word.into_bytes());
        }
    }
}
