//! `upward prove --certificate`: writes the proofs as files that another program checks.

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use upward_model::certificate::Certificate;
use upward_model::protocol::Protocol;

use crate::cli::Failure;

/// Writes a certificate for each column of the matrices, several protocols at a time; how many it wrote.
pub(super) fn write(
    directory: &Path,
    protocols: &[&'static Protocol],
    threads: usize,
) -> Result<usize, Failure> {
    fs::create_dir_all(directory).map_err(|error| Failure::unwritten(directory, &error))?;
    let (next, written) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let failure = Mutex::new(None);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(&protocol) = protocols.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = Certificate::of_matrix(protocol, |name, certificate| {
                        let file = directory.join(name).with_extension("json");
                        let text = certificate.json().map_err(std::io::Error::from);
                        text.and_then(|text| fs::write(&file, text))
                            .map_err(|error| Failure::unwritten(&file, &error))?;
                        written.fetch_add(1, Ordering::Relaxed);
                        Ok(())
                    });
                    if let (Err(error), Ok(mut failure)) = (result, failure.lock()) {
                        failure.get_or_insert(error);
                        return;
                    }
                }
            });
        }
    });
    match failure.into_inner() {
        Ok(Some(error)) => Err(error),
        Ok(None) | Err(_) => Ok(written.into_inner()),
    }
}
