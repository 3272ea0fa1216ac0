//! The heart of the hub stays free of I/O: only the servers around it name a web framework, a runtime or the shell.

use std::fs;
use std::path::{Path, PathBuf};

const FORBIDDEN: [&str; 7] = [
    "axum",
    "hyper",
    "reqwest",
    "shell",
    "tokio",
    "tungstenite",
    "Instant",
];

/// The sources under a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The forbidden words of a source, without its comments.
fn violations(source: &str) -> Vec<&'static str> {
    let code: Vec<_> = source
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect();
    let code = code.join("\n");
    let words: Vec<_> = code
        .split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .collect();
    let found = FORBIDDEN.iter().filter(|forbidden| words.contains(forbidden));
    found.copied().collect()
}

#[test]
fn the_heart_names_no_framework_no_runtime_and_no_shell() {
    let room = &Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let outside_the_heart = [
        "shell",
        "authorization/mod.rs",
        "authorization/shell.rs",
        "browsers",
        "control_api",
        "lib.rs",
        "heart_tests.rs",
    ]
    .map(|part| room.join(part));
    let heart: Vec<_> = sources(room)
        .into_iter()
        .filter(|path| !outside_the_heart.iter().any(|outside| path.starts_with(outside)))
        .filter(|path| !path.iter().any(|part| part == "tests"))
        .collect();
    for part in ["session", "defect", "faults"] {
        assert!(heart.contains(&room.join(part).join("mod.rs")), "{part} is read");
    }
    for path in heart {
        let source = fs::read_to_string(&path).unwrap();
        assert_eq!(violations(&source), Vec::<&str>::new(), "in {}", path.display());
    }
}

#[test]
fn a_violation_is_found_in_code_and_not_in_comments() {
    assert_eq!(violations("use axum::extract::ws::Utf8Bytes; // text"), ["axum"]);
    assert_eq!(violations("use super::shell::Observer;"), ["shell"]);
    assert_eq!(
        violations("/// The shell asks.\nfn tokio_like() {}"),
        [] as [&str; 0]
    );
}
