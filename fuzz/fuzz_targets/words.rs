//! The small words of FHIRcast: names of events, scopes, timestamps, queries, SyncErrors. Each is read or refused with a reason, and
//! reads the same once it was written.

#![no_main]

use castspec_fhircast::protocol::{
    Access, CallMessage, Configuration, EventName, FormParameters, Scopes, SyncErrorCause, Timestamp,
    Version, check_number_of_events, join_events, parameters_of, parse_events, repeated_members,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match text.parse::<EventName>() {
        Ok(name) => {
            assert_eq!(name.as_str(), text);
            let _ = (name.kind(), name.resource(), name.folded());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    if check_number_of_events(text).is_ok()
        && let Ok(events) = parse_events(text)
    {
        let again = parse_events(&join_events(&events)).expect("what was written can be read");
        assert_eq!(again, events);
    }
    match Scopes::parse(text) {
        Ok(scopes) => {
            let again = Scopes::parse(&scopes.to_string()).expect("what was written can be read");
            assert_eq!(again, scopes);
            assert!(scopes.include(&again) || !scopes.any_fhircast());
            let event: EventName = "Patient-open".parse().expect("it is a name");
            assert_eq!(
                again.allow(&event, Access::Read),
                scopes.allow(&event, Access::Read)
            );
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    match text.parse::<Timestamp>() {
        Ok(timestamp) => {
            assert_eq!(timestamp.as_str(), text);
            let written = Timestamp::from_instant(timestamp.instant());
            let again: Timestamp = written.as_str().parse().expect("what was written can be read");
            assert_eq!(
                again.instant().as_millisecond(),
                timestamp.instant().as_millisecond()
            );
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    if let Err(error) = text.parse::<Version>() {
        assert!(!error.to_string().is_empty());
    }
    if let Ok(parameters) = FormParameters::read(text.as_bytes()) {
        let _ = parameters.check_each_stands_once("here");
        for (name, _) in parameters.into_pairs() {
            assert!(parameters_of(text).contains_key(&name));
        }
    }
    let (query, body) = text.split_once('\n').unwrap_or((text, text));
    let call = CallMessage::of(query, body);
    assert!(call.challenge.is_none() || call.is_control);
    assert!(call.asked().is_none() || call.is_control);
    let _ = repeated_members(text);
    if let Ok(value) = serde_json::from_str(text) {
        for cause in SyncErrorCause::from_context(&value) {
            assert_eq!(SyncErrorCause::from_context(&cause.to_context()).len(), 1);
        }
        let _ = serde_json::from_value::<Configuration>(value);
    }
});
