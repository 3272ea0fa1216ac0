//! No body may bring the parser of subscription requests down.

#![no_main]

use castspec_fhircast::protocol::SubscriptionRequest;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    if let Err(error) = SubscriptionRequest::from_form(body) {
        assert!(!error.to_string().is_empty());
    }
});
