//! Any target file is read or refused with one line that says why.

#![no_main]

use std::path::Path;

use castspec_runner::run::Target;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(error) = Target::parse(text, Path::new("target.toml"), Some("token")) {
        let told = error.to_string();
        assert!(told.starts_with("target.toml"), "{told}");
    }
});
