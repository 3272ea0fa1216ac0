//! Whatever a capture says, it is read or refused with a reason, and what was read is written as what reads the same.

#![no_main]

use std::io::Cursor;
use std::path::Path;

use castspec_judging::capture::Reader;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(reader) = Reader::new(Cursor::new(bytes), Path::new("capture.jsonl")) else {
        return;
    };
    for line in reader.flatten() {
        let text = serde_json::to_string(&line).expect("what was read can be written");
        let again: castspec_judging::capture::Line =
            serde_json::from_str(&text).expect("what was written can be read");
        assert_eq!(again, line);
    }
});
