//! A notification that can be read is written as one that reads the same.

#![no_main]

use castspec_fhircast::protocol::Notification;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(notification) = Notification::parse(text) {
        let again = Notification::parse(&notification.to_text()).expect("what was written can be read");
        assert_eq!(again.id, notification.id);
        assert_eq!(again.topic, notification.topic);
        assert_eq!(again.event, notification.event);
        assert_eq!(again.to_text(), notification.to_text());
    }
});
