//! Standard output that may be full, or closed by its reader.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write as _};
use std::process::exit;

/// What shells report of a program that wrote where nobody reads: 128 and the number of SIGPIPE.
const NOBODY_READS: i32 = 141;

/// Writes to standard output. Where that fails nothing more can be said, and the program ends; no
/// program under test is running at that time.
pub(super) fn write(text: Arguments<'_>) {
    let mut output = std::io::stdout().lock();
    let Err(error) = output.write_fmt(text).and_then(|()| output.flush()) else { return };
    if error.kind() == ErrorKind::BrokenPipe {
        exit(NOBODY_READS);
    }
    eprintln!("error: failed to write to standard output: {error}");
    exit(2);
}

/// As `print!`, without a panic.
macro_rules! out {
    ($($text:tt)*) => { $crate::cli::out::write(format_args!($($text)*)) };
}

/// As `println!`, without a panic.
macro_rules! outln {
    () => { $crate::cli::out::write(format_args!("\n")) };
    ($($text:tt)*) => { $crate::cli::out::write(format_args!("{}\n", format_args!($($text)*))) };
}
