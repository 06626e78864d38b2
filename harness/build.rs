//! A client's profile is built in by lying in the folder: a new file there is a change.

fn main() {
    println!("cargo::rerun-if-changed=clients");
}
