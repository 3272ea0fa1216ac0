//! No form may bring the parser of requests for callbacks down, in any version, and none is read whose
//! callback cannot be called.

#![no_main]

use castspec_fhircast::protocol::Version;
use castspec_hub::{VersionProfile, WebhookRequest};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    for version in Version::ALL {
        match WebhookRequest::from_form(body, VersionProfile::of(version), true) {
            Ok(Some(request)) => {
                let callback = url::Url::parse(&request.callback).expect("a callback is a URL");
                assert!(matches!(callback.scheme(), "http" | "https") && callback.host().is_some());
            }
            Ok(None) => {}
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
});
