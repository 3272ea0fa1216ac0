//! The map of the crates in docs/architecture.md is what Cargo knows of them, and the crates without I/O stay without it.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// A crate on the map: its folder and the crates of the workspace that it depends on.
#[derive(Debug, PartialEq, Eq)]
struct Room {
    folder: String,
    depends_on: BTreeSet<String>,
}

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .args(["--locked", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {arguments:?}: {problem}");
    String::from_utf8(output.stdout).unwrap()
}

/// The crates as Cargo knows them, by name.
fn known_to_cargo() -> BTreeMap<String, Room> {
    let metadata = cargo(&["metadata", "--no-deps", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let root = metadata["workspace_root"].as_str().unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages
        .map(|package| {
            let manifest = package["manifest_path"].as_str().unwrap();
            let folder = manifest.strip_prefix(root).unwrap();
            let folder = folder.strip_suffix("Cargo.toml").unwrap().trim_matches('/');
            let dependencies = package["dependencies"].as_array().unwrap().iter();
            let inside = dependencies
                .filter(|dependency| dependency["kind"].is_null() && !dependency["path"].is_null())
                .map(|dependency| dependency["name"].as_str().unwrap().to_owned());
            let room = Room {
                folder: if folder.is_empty() { "." } else { folder }.to_owned(),
                depends_on: inside.collect(),
            };
            (package["name"].as_str().unwrap().to_owned(), room)
        })
        .collect()
}

/// The crates as the table of the document has them, by name.
fn on_the_map(document: &str) -> BTreeMap<String, Room> {
    let rows = document.lines().filter(|line| line.starts_with("| castspec"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let depends_on = cells[3].split(',').map(str::trim).filter(|name| !name.is_empty());
        let room = Room {
            folder: cells[2].to_owned(),
            depends_on: depends_on.map(str::to_owned).collect(),
        };
        (cells[1].to_owned(), room)
    })
    .collect()
}

#[test]
fn the_map_of_the_crates_is_true() {
    let map = on_the_map(include_str!("../../docs/architecture.md"));
    assert_eq!(map, known_to_cargo());
}

#[test]
fn a_dependency_that_the_map_lacks_is_noticed() {
    let map = on_the_map("| castspec-hub | crates/hub | castspec-fhircast | the hub |");
    assert_ne!(map.get("castspec-hub"), known_to_cargo().get("castspec-hub"));
}

#[test]
fn what_does_no_io_depends_on_no_runtime() {
    for name in ["castspec-fhircast", "castspec-judging"] {
        let tree = cargo(&["tree", "-p", name, "-e", "normal", "--prefix", "none"]);
        let names: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
        assert!(names.contains("serde_json"), "{name} depends on something");
        for runtime in [
            "tokio",
            "axum",
            "hyper",
            "reqwest",
            "tungstenite",
            "tokio-tungstenite",
        ] {
            assert!(!names.contains(runtime), "{name} depends on {runtime}");
        }
    }
}
