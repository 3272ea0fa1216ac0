//! Whatever is around it, a secret that is known is hidden, and hiding twice hides no more.

#![no_main]

use castspec_judging::redaction::Redactor;
use libfuzzer_sys::fuzz_target;

const SECRET: &str = "vLxCk3t-9Qz81mEw";

fuzz_target!(|input: (bool, &str, &str)| {
    let (resources, before, after) = input;
    let redactor = Redactor::new(resources, true);
    redactor.know(SECRET);
    for text in [
        format!("{before}{SECRET}{after}"),
        format!("{before} Bearer {SECRET} {after}"),
        format!("a={before}&access_token={SECRET}&b={after}"),
    ] {
        for hidden in [
            redactor.text(&text),
            redactor.body(&text),
            redactor.header("x-any", &text),
        ] {
            assert!(!hidden.contains(SECRET), "{hidden}");
        }
    }
    let _ = redactor.text(before);
    let _ = redactor.body(before);
    let _ = redactor.header(before, after);
});
