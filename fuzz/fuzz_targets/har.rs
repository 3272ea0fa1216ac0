//! Any HAR file is read or refused with a reason, and what was read can be judged.

#![no_main]

use castspec_fhircast::protocol::Version;
use castspec_fuzz::{CATALOGUE, schemas};
use castspec_judging::subscriber::BaseFhir;
use castspec_runner::recorded::{Judged, Recording, judge_recording};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match Recording::of_har(bytes) {
        Ok(None) => {}
        Ok(Some(recording)) => {
            let version = recording.version().unwrap_or(Version::Stu3);
            let judged = Judged {
                hub: true,
                subscribers: true,
                base_fhir: BaseFhir::default(),
            };
            if let Err(error) = judge_recording(&recording, version, judged, &CATALOGUE, &schemas(version)) {
                assert!(!error.to_string().is_empty());
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
