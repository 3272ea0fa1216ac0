//! Every mistake in a scenario file is told where it stands: each file of `tests/scenario_errors` beside its exact output.
//!
//! `UPDATE_EXPECTED=1 cargo test --test integration scenario::errors` writes the outputs anew.

use std::path::{Path, PathBuf};

use castspec_fhircast::requirement::Catalogue;
use castspec_runner::scenario::{Library, LibraryError, Scenario};
use proptest::prelude::*;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenario_errors")
}

fn catalogue() -> Catalogue {
    let page = std::fs::read_to_string(folder().join("requirements.page")).unwrap();
    let mut catalogue = Catalogue::default();
    catalogue.add_page("requirements.page", &page).unwrap();
    catalogue
}

fn told(name: &str, text: &str, catalogue: &Catalogue) -> String {
    let errors = Scenario::parse(name, name, text, catalogue).unwrap_err();
    let rendered: Vec<String> = errors
        .0
        .iter()
        .map(|fault| {
            let lines: Vec<&str> = fault.rendered().lines().map(str::trim_end).collect();
            format!("{fault}\n{}\n", lines.join("\n"))
        })
        .collect();
    rendered.join("\n")
}

#[test]
fn every_mistake_is_told_where_it_stands() {
    let catalogue = catalogue();
    let update = std::env::var_os("UPDATE_EXPECTED").is_some();
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
        .collect();
    files.sort();
    assert!(files.len() >= 10);
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&file).unwrap();
        let told = told(&name, &text, &catalogue);
        let expected = file.with_extension("txt");
        if update {
            std::fs::write(&expected, &told).unwrap();
        }
        assert_eq!(
            told,
            std::fs::read_to_string(&expected).unwrap_or_default(),
            "{name}"
        );
    }
}

#[test]
fn one_call_tells_the_mistakes_of_all_files_of_a_folder() {
    let error = Library::default().add_path(&folder(), &catalogue()).unwrap_err();
    let LibraryError::Scenario(errors) = &error else {
        panic!("{error}")
    };
    let files: std::collections::BTreeSet<&str> = errors.0.iter().map(|fault| fault.file.as_str()).collect();
    assert!(files.len() >= 10);
    let line = error.to_string();
    assert!(!line.contains('\n'), "{line}");
    assert!(line.contains("castspec scenarios --check shows all"), "{line}");
}

#[test]
fn places_are_right_with_other_line_ends_and_wide_characters() {
    let text = "title: Ä → ö\r\nversions: [STU3]\r\nsubscribers:\r\n  ä: {evénts: [a]}\r\nsteps:\r\n  - subscribe: [\"ö\", b]\r\n";
    let errors = Scenario::parse("x/y", "y.yaml", text, &catalogue()).unwrap_err();
    let places: Vec<(u64, u64)> = errors.0.iter().map(|fault| (fault.line, fault.column)).collect();
    assert_eq!(places, [(4, 7)]);
    let mended = text.replace("evénts", "events");
    let errors = Scenario::parse("x/y", "y.yaml", &mended, &catalogue()).unwrap_err();
    let places: Vec<(u64, u64)> = errors.0.iter().map(|fault| (fault.line, fault.column)).collect();
    assert_eq!(places, [(4, 3), (5, 1), (6, 17), (6, 22)]);
}

/// Pieces of scenario files, whole and broken.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("title: x\n".to_owned()),
        Just("versions: [STU3]\n".to_owned()),
        Just("subscribers:\n  viewer: {events: [Patient-open]}\n".to_owned()),
        Just("steps:\n".to_owned()),
        Just("  - subscribe: [viewer]\n".to_owned()),
        Just("  - publish: {by: viewer, event: Patient-open, save: a}\n".to_owned()),
        Just("  - expect:\n      at: viewer\n      message: {kind: notification, of: a}\n".to_owned()),
        Just("      requirement: notification.delivered\n".to_owned()),
        Just("      checks: [{requirement: x, has: {/a: {matches: \"(\"}}}]\n".to_owned()),
        Just("  -\n".to_owned()),
        Just("    request: {by: viewer, answer: [{status: 5}]}\n".to_owned()),
        "[-:{}\\[\\],&*!|>'\"%@`#?~ \\n\\r\\t$a-zäß→🦀]{0,12}",
        "\\PC{0,20}",
    ];
    proptest::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_text_brings_the_parser_down(text in pieces()) {
        let catalogue = Catalogue::default();
        if let Err(errors) = Scenario::parse("x/y", "y.yaml", &text, &catalogue) {
            prop_assert!(!errors.0.is_empty());
            for fault in &errors.0 {
                prop_assert!(!fault.to_string().is_empty());
                prop_assert!(fault.rendered().starts_with("error: "));
            }
        }
    }
}
