//! A formal model of in-band TLS upgrade.
