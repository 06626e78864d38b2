//! Reports of results: for people, as JUnit, Markdown, TAP, and the page of bundled clients.

mod comparison;
mod controls;
mod human;
mod junit;
mod markdown;
mod matrix;
mod page;
mod tap;

pub use self::controls::controls;
pub use self::human::{Detail, summary, vectors};
pub use self::junit::to_junit;
pub use self::markdown::to_markdown;
pub use self::matrix::matrix;
pub use self::page::to_page;
pub use self::tap::to_tap;
