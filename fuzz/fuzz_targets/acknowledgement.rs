//! No frame may bring the parser of acknowledgements down.

#![no_main]

use castspec_fhircast::protocol::Acknowledgement;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(error) = Acknowledgement::parse(text) {
        assert!(!error.to_string().is_empty());
    }
});
