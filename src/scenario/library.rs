//! Scenarios by name: the embedded ones, those of the user's own, and choosing among them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rust_embed::RustEmbed;

use super::check;
use super::fault::ScenarioErrors;
use super::near::nearest_few;
use super::parse::parse;
use super::requirements::step_requirements;
use super::syntax::Document;
use crate::requirement::Catalogue;

/// How deep folders of scenarios may lie in one another.
const DEPTH: usize = 8;

#[derive(RustEmbed)]
#[folder = "scenarios/"]
#[include = "*.yaml"]
#[exclude = "requirements/*"]
#[exclude = "templates/*"]
struct Embedded;

/// A scenario that is in order.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Folder and file name without ending: `subscribing/accepted`.
    pub name: String,
    /// The folder; empty for a file of its own.
    pub folder: String,
    /// What it says.
    pub document: Document,
}

impl Scenario {
    /// Reads a scenario and looks for every mistake in it.
    ///
    /// # Errors
    /// All mistakes that were found, each with its place.
    pub fn parse(name: &str, file: &str, text: &str, catalogue: &Catalogue) -> Result<Self, ScenarioErrors> {
        let parsed = parse(file, text).map_err(ScenarioErrors)?;
        let faults = check::faults(file, text, &parsed, catalogue);
        if !faults.is_empty() {
            return Err(ScenarioErrors(faults));
        }
        let folder = name
            .rsplit_once('/')
            .map_or_else(String::new, |(folder, _)| folder.to_owned());
        Ok(Self {
            name: name.to_owned(),
            folder,
            document: parsed.document,
        })
    }

    /// Every requirement that the scenario names.
    pub fn requirements(&self) -> BTreeSet<String> {
        self.document
            .steps
            .iter()
            .flat_map(|step| step_requirements(&step.value))
            .collect()
    }
}

/// Scenarios by name.
#[derive(Debug, Clone, Default)]
pub struct Library {
    scenarios: BTreeMap<String, Arc<Scenario>>,
}

/// Why scenarios could not be found or read.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// A file or folder cannot be read.
    #[error("{}: cannot be read: {problem}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        problem: String,
    },
    /// A folder holds no scenario.
    #[error("{}: there is no scenario (a file that ends in .yaml) in it", path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// A scenario has mistakes.
    #[error(transparent)]
    Scenario(#[from] ScenarioErrors),
    /// Nothing has this name.
    #[error("'{selector}' selects no scenario{}", suggestion(near))]
    Unknown {
        /// What was asked for.
        selector: String,
        /// Names that are near to it.
        near: Vec<String>,
    },
}

fn suggestion(near: &[String]) -> String {
    match near {
        [] => "; castspec scenarios lists them".to_owned(),
        near => format!("; did you mean {}?", near.join(" or ")),
    }
}

impl Library {
    /// The scenarios that are embedded in the binary.
    ///
    /// # Errors
    /// When one of them has a mistake.
    pub fn embedded(catalogue: &Catalogue) -> Result<Self, LibraryError> {
        let mut library = Self::default();
        for file in Embedded::iter()
            .filter(|file| !file.starts_with("requirements/") && !file.starts_with("templates/"))
        {
            let Some(content) = Embedded::get(&file) else {
                continue;
            };
            let name = file.trim_end_matches(".yaml");
            let text = String::from_utf8_lossy(&content.data);
            library.add(Scenario::parse(
                name,
                &format!("scenarios/{file}"),
                &text,
                catalogue,
            )?);
        }
        Ok(library)
    }

    /// Adds a file, or all files of a folder; a scenario of the same name is replaced.
    ///
    /// # Errors
    /// When something cannot be read, has mistakes (all of them are told), or a folder holds no scenario.
    pub fn add_path(&mut self, path: &Path, catalogue: &Catalogue) -> Result<usize, LibraryError> {
        let mut files = Vec::new();
        let folder = path.is_dir();
        if folder {
            collect(path, 0, &mut files)?;
            if files.is_empty() {
                return Err(LibraryError::Empty {
                    path: path.to_owned(),
                });
            }
        } else {
            files.push(path.to_owned());
        }
        files.sort();
        let mut mistakes = Vec::new();
        for file in &files {
            let text = std::fs::read_to_string(file).map_err(|error| LibraryError::Unreadable {
                path: file.clone(),
                problem: error.to_string(),
            })?;
            let relative = if folder {
                file.strip_prefix(path).unwrap_or(file)
            } else {
                Path::new(file.file_name().unwrap_or(file.as_os_str()))
            };
            let name = relative.with_extension("").to_string_lossy().replace('\\', "/");
            match Scenario::parse(&name, &file.display().to_string(), &text, catalogue) {
                Ok(scenario) => self.add(scenario),
                Err(ScenarioErrors(faults)) => mistakes.extend(faults),
            }
        }
        if mistakes.is_empty() {
            Ok(files.len())
        } else {
            Err(ScenarioErrors(mistakes).into())
        }
    }

    fn add(&mut self, scenario: Scenario) {
        self.scenarios.insert(scenario.name.clone(), Arc::new(scenario));
    }

    /// All scenarios, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Scenario>> {
        self.scenarios.values()
    }

    /// The scenarios that any of the selectors picks; all, where there is none. A selector is a scenario, a folder, a section
    /// of the specification (`2.4`), a requirement or the beginning of one that ends in a dot, or the id of a check.
    ///
    /// # Errors
    /// When a selector picks nothing.
    pub fn select(
        &self,
        selectors: &[String],
        catalogue: &Catalogue,
    ) -> Result<Vec<Arc<Scenario>>, LibraryError> {
        if selectors.is_empty() {
            return Ok(self.scenarios.values().cloned().collect());
        }
        let mut picked = BTreeMap::new();
        for selector in selectors {
            let before = picked.len();
            let matching = self
                .scenarios
                .values()
                .filter(|own| picks(selector, own, catalogue));
            let mut any = false;
            for scenario in matching {
                any = true;
                picked.insert(scenario.name.clone(), scenario.clone());
            }
            if !any && picked.len() == before {
                let folders = self.scenarios.values().map(|own| own.folder.as_str());
                let names = self.scenarios.keys().map(String::as_str).chain(folders);
                let ids = catalogue.iter().map(|own| own.id.as_str());
                let near = nearest_few(selector, names.chain(ids))
                    .into_iter()
                    .map(str::to_owned)
                    .collect();
                return Err(LibraryError::Unknown {
                    selector: selector.clone(),
                    near,
                });
            }
        }
        Ok(picked.into_values().collect())
    }
}

fn picks(selector: &str, scenario: &Scenario, catalogue: &Catalogue) -> bool {
    let selector = selector.trim_end_matches('/').trim_end_matches(".yaml");
    let name = scenario.name.as_str();
    if name == selector || scenario.folder == selector || name.starts_with(&format!("{selector}/")) {
        return true;
    }
    if let Some((path, _version)) = selector.rsplit_once('@') {
        return path.rsplit_once('/').is_some_and(|(own, _)| own == name);
    }
    let requirements = scenario.requirements();
    if selector.starts_with(|c: char| c.is_ascii_digit()) {
        return requirements.iter().any(|id| {
            let stated = scenario
                .document
                .versions
                .iter()
                .filter_map(|version| catalogue.get(*version, id));
            stated
                .into_iter()
                .any(|own| own.section.split_whitespace().next() == Some(selector))
        });
    }
    requirements
        .iter()
        .any(|id| id == selector || (selector.ends_with('.') && id.starts_with(selector)))
}

fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), LibraryError> {
    let error = |problem: std::io::Error| LibraryError::Unreadable {
        path: folder.to_owned(),
        problem: problem.to_string(),
    };
    for entry in std::fs::read_dir(folder).map_err(error)? {
        let path = entry.map_err(error)?.path();
        if path.is_dir() && depth < DEPTH {
            collect(&path, depth + 1, files)?;
        } else if path
            .extension()
            .is_some_and(|ending| ending == "yaml" || ending == "yml")
        {
            files.push(path);
        }
    }
    Ok(())
}
