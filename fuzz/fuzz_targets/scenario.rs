//! No text may bring the parser of scenarios down, and every mistake must be shown.

#![no_main]

use std::sync::LazyLock;

use castspec_fhircast::requirement::Catalogue;
use castspec_runner::scenario::Scenario;
use libfuzzer_sys::fuzz_target;

static CATALOGUE: LazyLock<Catalogue> =
    LazyLock::new(|| Catalogue::embedded().expect("the embedded catalogue is in order"));

fuzz_target!(|text: &str| {
    match Scenario::parse("fuzz/scenario", "scenario.yaml", text, &CATALOGUE) {
        Ok(scenario) => {
            for step in &scenario.document.steps {
                assert!(!step.value.describe().is_empty());
            }
        }
        Err(errors) => {
            assert!(!errors.0.is_empty());
            for fault in &errors.0 {
                assert!(!fault.rendered().is_empty());
                assert!(!fault.to_string().is_empty());
            }
        }
    }
});
