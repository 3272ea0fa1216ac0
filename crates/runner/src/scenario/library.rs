//! Scenarios by name: the embedded ones, those of the user's own, and choosing among them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rust_embed::RustEmbed;

use super::check;
use super::document::Document;
use super::fault::ScenarioErrors;
use super::parse::parse;
use super::suggestion::suggestions;
use crate::protocol::{EventName, Version};
use crate::requirement::{Catalogue, RequirementId};

/// How deep folders of scenarios may lie in one another.
const DEPTH: usize = 8;
/// How large a file may be, in bytes.
const LARGEST: u64 = 1 << 20;

#[derive(RustEmbed)]
#[folder = "../../scenarios/"]
#[include = "*.yaml"]
#[exclude = "requirements/*"]
#[exclude = "templates/*"]
struct Embedded;

/// A scenario that is in order.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Folder and file name without ending: `subscribing/accepted`.
    pub name: String,
    /// The folder.
    pub folder: String,
    /// The content of the file.
    pub document: Document,
    /// The content of the file, as it is written.
    pub(super) source: Arc<str>,
    /// The events that it asks for or publishes, once somebody wants to know.
    pub(super) events: OnceLock<BTreeSet<EventName>>,
}

impl Scenario {
    /// Reads a scenario and looks for every mistake in it.
    ///
    /// # Errors
    /// All mistakes that were found, each with its place.
    pub fn parse(name: &str, file: &str, text: &str, catalogue: &Catalogue) -> Result<Self, ScenarioErrors> {
        let parsed = match parse(file, text) {
            Ok(parsed) => parsed,
            Err(malformed) => {
                let mut faults = malformed.faults;
                let further = malformed
                    .rest
                    .iter()
                    .flat_map(|rest| check::faults(file, text, rest, catalogue));
                faults.extend(further.filter(|fault| fault.problem.stands_alone(malformed.whole_cast)));
                faults.sort_by_key(|fault| (fault.line, fault.column));
                return Err(ScenarioErrors(faults));
            }
        };
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
            source: text.into(),
            events: OnceLock::new(),
        })
    }

    /// The content of the file, as it is written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Every requirement that the scenario names.
    pub fn requirements(&self) -> BTreeSet<RequirementId> {
        self.document
            .steps
            .iter()
            .flat_map(|step| step.value.requirements())
            .collect()
    }

    fn names_section(&self, section: &str, catalogue: &Catalogue) -> bool {
        let versions = &self.document.versions;
        self.requirements()
            .iter()
            .flat_map(|id| versions.iter().filter_map(|version| catalogue.get(*version, id)))
            .any(|requirement| requirement.section.split_whitespace().next() == Some(section))
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
    #[error("'{selector}' selects no scenario{}", did_you_mean(suggestions))]
    Unknown {
        /// The selector as it was given.
        selector: String,
        /// Names that may be meant.
        suggestions: Vec<String>,
    },
    /// A check's id names a requirement that its version does not have.
    #[error("'{selector}' is no check: '{requirement}' is no requirement of {version}")]
    NoCheck {
        /// The selector as it was given.
        selector: String,
        /// The requirement in it.
        requirement: RequirementId,
        /// The version in it, as written.
        version: String,
    },
}

fn did_you_mean(suggestions: &[String]) -> String {
    match suggestions {
        [] => "; castspec scenarios lists them".to_owned(),
        names => format!("; did you mean {}?", names.join(" or ")),
    }
}

impl Library {
    /// The scenarios that are embedded in the binary.
    ///
    /// # Errors
    /// When one of them has a mistake.
    pub fn embedded(catalogue: &Catalogue) -> Result<Self, LibraryError> {
        let files: Vec<_> = Embedded::iter().filter(|file| !is_set_apart(file)).collect();
        let parse = |file: &str| {
            let content = Embedded::get(file)?;
            let name = file.trim_end_matches(".yaml");
            let text = String::from_utf8_lossy(&content.data);
            Some(Scenario::parse(
                name,
                &format!("scenarios/{file}"),
                &text,
                catalogue,
            ))
        };
        // Reading them is most of what castspec does before a short run.
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        let share = files.len().div_ceil(threads).max(1);
        let parsed: Vec<_> = std::thread::scope(|scope| {
            let readers = files.chunks(share);
            let readers = readers
                .map(|share| scope.spawn(|| share.iter().filter_map(|file| parse(file)).collect::<Vec<_>>()));
            let readers: Vec<_> = readers.collect();
            let parsed = readers.into_iter().map(|reader| reader.join());
            parsed
                .flat_map(|parsed| parsed.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        });
        let mut library = Self::default();
        let mut mistakes = Vec::new();
        for parsed in parsed {
            match parsed {
                Ok(scenario) => library.add(scenario),
                Err(ScenarioErrors(faults)) => mistakes.extend(faults),
            }
        }
        if mistakes.is_empty() {
            Ok(library)
        } else {
            Err(ScenarioErrors(mistakes).into())
        }
    }

    /// Adds a file, or all files of a folder; a scenario of the same name is replaced.
    ///
    /// # Errors
    /// When something cannot be read, has mistakes (all of them are reported), or a folder holds no scenario.
    pub fn add_path(&mut self, path: &Path, catalogue: &Catalogue) -> Result<usize, LibraryError> {
        let mut files = Vec::new();
        // A file of its own is named after the folder that it lies in, as if that had been given.
        let root = match path.is_dir() {
            true => {
                collect(path, path, &mut Vec::new(), &mut files)?;
                if files.is_empty() {
                    return Err(LibraryError::Empty {
                        path: path.to_owned(),
                    });
                }
                path.to_owned()
            }
            false => {
                files.push(path.to_owned());
                path.parent().unwrap_or(Path::new("")).to_owned()
            }
        };
        files.sort();
        let mut mistakes = Vec::new();
        for file in &files {
            let text = read_text(file)?;
            let name = name_of(&root, file);
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
    /// of the specification (`2.4`), a requirement or the beginning of one that ends in a dot, the id of a check
    /// (`<scenario>/<requirement>@<version>`), or the beginning of scenarios' names. What no scenario names may be judged in
    /// every one, by a schema or as an ambient check, so it picks all of its version.
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
            let found = self.pick(selector, catalogue)?;
            if found.is_empty() {
                return Err(LibraryError::Unknown {
                    selector: selector.clone(),
                    suggestions: self.suggestions(selector, catalogue),
                });
            }
            picked.extend(
                found
                    .into_iter()
                    .map(|scenario| (scenario.name.clone(), scenario.clone())),
            );
        }
        Ok(picked.into_values().collect())
    }

    /// The scenarios that a selector picks, by the first reading of it that picks anything.
    fn pick(&self, selector: &str, catalogue: &Catalogue) -> Result<Vec<&Arc<Scenario>>, LibraryError> {
        let path = selector.trim_end_matches('/').trim_end_matches(".yaml");
        if path.is_empty() {
            return Ok(Vec::new());
        }
        let those = |wanted: &dyn Fn(&Scenario) -> bool| -> Vec<&Arc<Scenario>> {
            self.scenarios
                .values()
                .filter(|scenario| wanted(scenario))
                .collect()
        };
        let below = format!("{path}/");
        let mut found = those(&|scenario| scenario.name == path || scenario.name.starts_with(&below));
        if let (true, Some((check, version))) = (found.is_empty(), path.rsplit_once('@')) {
            return self.pick_check(selector, check, version, catalogue);
        }
        if found.is_empty() && path.starts_with(|c: char| c.is_ascii_digit()) {
            return Ok(those(&|scenario| scenario.names_section(path, catalogue)));
        }
        if found.is_empty() {
            let meant = |id: &str| id == path || (path.ends_with('.') && id.starts_with(path));
            found = those(&|scenario| scenario.requirements().iter().any(|id| meant(id)));
            let stated: BTreeSet<Version> = catalogue
                .iter()
                .filter(|requirement| meant(&requirement.id))
                .map(|requirement| requirement.version)
                .collect();
            if found.is_empty() && !stated.is_empty() {
                found = those(&|scenario| {
                    scenario
                        .document
                        .versions
                        .iter()
                        .any(|version| stated.contains(version))
                });
            }
        }
        if found.is_empty() {
            found = those(&|scenario| scenario.name.starts_with(path));
        }
        Ok(found)
    }

    fn pick_check(
        &self,
        selector: &str,
        check: &str,
        version: &str,
        catalogue: &Catalogue,
    ) -> Result<Vec<&Arc<Scenario>>, LibraryError> {
        let Some((scenario, requirement)) = check.rsplit_once('/') else {
            return Ok(Vec::new());
        };
        let stated = version
            .parse::<Version>()
            .ok()
            .and_then(|version| catalogue.get(version, requirement));
        match self.scenarios.get(scenario) {
            Some(_) if stated.is_none() => Err(LibraryError::NoCheck {
                selector: selector.to_owned(),
                requirement: RequirementId::new(requirement),
                version: version.to_owned(),
            }),
            found => Ok(found.into_iter().collect()),
        }
    }

    fn suggestions(&self, selector: &str, catalogue: &Catalogue) -> Vec<String> {
        let folders: BTreeSet<&str> = self
            .scenarios
            .values()
            .map(|scenario| scenario.folder.as_str())
            .collect();
        let names = self.scenarios.keys().map(String::as_str);
        let ids = catalogue.iter().map(|requirement| requirement.id.as_str());
        suggestions(selector, folders.into_iter().chain(names).chain(ids))
            .into_iter()
            .map(str::to_owned)
            .collect()
    }
}

/// Whether a file, by its path in a folder of scenarios, is none: requirements and templates lie beside them.
fn is_set_apart(path: &str) -> bool {
    path.starts_with("requirements/") || path.starts_with("templates/")
}

fn name_of(root: &Path, file: &Path) -> String {
    let relative = file.strip_prefix(root).unwrap_or(file).with_extension("");
    let name = relative.to_string_lossy().replace('\\', "/");
    if name.contains('/') {
        return name;
    }
    let full = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
    match full.file_name() {
        Some(folder) => format!("{}/{name}", folder.to_string_lossy()),
        None => name,
    }
}

fn read_text(file: &Path) -> Result<String, LibraryError> {
    let unreadable = |problem: String| LibraryError::Unreadable {
        path: file.to_owned(),
        problem,
    };
    let mut text = String::new();
    std::fs::File::open(file)
        .and_then(|open| open.take(LARGEST + 1).read_to_string(&mut text))
        .map_err(|error| unreadable(error.to_string()))?;
    match u64::try_from(text.len()) {
        Ok(length) if length <= LARGEST => Ok(text),
        _ => Err(unreadable(
            "it is larger than a scenario can be (1 MiB)".to_owned(),
        )),
    }
}

/// The files of scenarios in a folder; `within` are the folders that it lies in, each by its one true path.
fn collect(
    root: &Path,
    folder: &Path,
    within: &mut Vec<PathBuf>,
    files: &mut Vec<PathBuf>,
) -> Result<(), LibraryError> {
    let error = |problem: std::io::Error| LibraryError::Unreadable {
        path: folder.to_owned(),
        problem: problem.to_string(),
    };
    let own = folder.canonicalize().map_err(error)?;
    // A link that leads back to where it lies has nothing that is not read already.
    if within.contains(&own) {
        return Ok(());
    }
    within.push(own);
    for entry in std::fs::read_dir(folder).map_err(error)? {
        let path = entry.map_err(error)?.path();
        let relative = path
            .strip_prefix(root)
            .unwrap_or(&path)
            .to_string_lossy()
            .replace('\\', "/");
        if path.is_dir() {
            if within.len() <= DEPTH && !is_set_apart(&format!("{relative}/")) {
                collect(root, &path, within, files)?;
            }
        } else if path
            .extension()
            .is_some_and(|ending| ending == "yaml" || ending == "yml")
        {
            files.push(path);
        }
    }
    within.pop();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"
version: STU3
page: https://example.org/2-4
requirements:
  - {id: subscribe.accepted-202, level: SHALL, actor: hub, evidence: conversation, section: 2.4 Subscription Response, text: Accepted.}
  - {id: notification.delivered, level: SHALL, actor: hub, evidence: conversation, section: 2.5 Event Notification, text: Delivered.}
  - {id: notification.timestamp, level: SHALL, actor: hub, evidence: message, section: 2.5 Event Notification, text: Stamped.}
"#;

    fn scenario(requirement: &str) -> String {
        format!(
            "title: t\nversions: [STU3]\nsubscribers:\n  viewer: {{events: [Patient-open]}}\nsteps:\n  - discover: {{answer: [{{requirement: {requirement}, status: accepted}}]}}\n"
        )
    }

    fn write(folder: &Path, files: &[(&str, &str)]) {
        for (name, text) in files {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
    }

    fn catalogue() -> Catalogue {
        let mut catalogue = Catalogue::default();
        catalogue.add_page("2-4.yaml", PAGE).unwrap();
        catalogue
    }

    fn library() -> Library {
        let folder = tempfile::tempdir().unwrap();
        let (accepted, delivered) = (
            scenario("subscribe.accepted-202"),
            scenario("notification.delivered"),
        );
        write(
            folder.path(),
            &[
                ("subscribing/accepted.yaml", &accepted),
                ("subscribing/again/accepted.yml", &accepted),
                ("notification/broadcast.yaml", &delivered),
                ("requirements/stu3/page.yaml", PAGE),
                ("templates/stu3/events.yaml", "{}"),
                ("README.md", "no scenario"),
            ],
        );
        let mut library = Library::default();
        assert_eq!(library.add_path(folder.path(), &catalogue()).unwrap(), 3);
        library
    }

    fn selected(selector: &str) -> Vec<String> {
        library()
            .select(&[selector.to_owned()], &catalogue())
            .unwrap()
            .iter()
            .map(|scenario| scenario.name.clone())
            .collect()
    }

    #[test]
    fn selectors_are_read_as_names_checks_sections_and_requirements() {
        let both = ["subscribing/accepted", "subscribing/again/accepted"];
        let all = ["notification/broadcast", both[0], both[1]];
        assert_eq!(selected("subscribing"), both);
        assert_eq!(selected("subscribing/"), both);
        assert_eq!(selected("subscribing/again"), both[1..]);
        assert_eq!(selected("subscribing/accepted.yaml"), both[..1]);
        assert_eq!(selected("subscribing/a"), both);
        assert_eq!(selected("2.5"), all[..1]);
        assert_eq!(selected("2.4"), both);
        assert_eq!(selected("notification.delivered"), all[..1]);
        assert_eq!(selected("subscribe."), both);
        assert_eq!(
            selected("subscribing/accepted/notification.timestamp@STU3"),
            both[..1]
        );
        // Judged in passing: whatever runs may show it.
        assert_eq!(selected("notification.timestamp"), all);
    }

    #[test]
    fn a_selector_that_selects_nothing_is_reported_with_suggestions() {
        let message = |selector: &str| {
            library()
                .select(&[selector.to_owned()], &catalogue())
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            message("subscribin/accepted"),
            "'subscribin/accepted' selects no scenario; did you mean subscribing/accepted or subscribing/again/accepted or subscribing?"
        );
        assert_eq!(
            message("9.9"),
            "'9.9' selects no scenario; castspec scenarios lists them"
        );
        assert_eq!(
            message("subscribing/accepted/nothing@STU3"),
            "'subscribing/accepted/nothing@STU3' is no check: 'nothing' is no requirement of STU3"
        );
        assert!(message("").starts_with("'' selects no scenario"));
        assert!(message("/").starts_with("'/' selects no scenario"));
    }

    #[test]
    fn a_file_is_named_after_its_folder_and_replaces_its_namesake() {
        let folder = tempfile::tempdir().unwrap();
        write(
            folder.path(),
            &[("subscribing/accepted.yaml", &scenario("notification.delivered"))],
        );
        let mut library = library();
        library
            .add_path(&folder.path().join("subscribing/accepted.yaml"), &catalogue())
            .unwrap();
        let picked = library
            .select(&["subscribing/accepted".to_owned()], &catalogue())
            .unwrap();
        assert_eq!(picked[0].folder, "subscribing");
        assert!(picked[0].requirements().contains("notification.delivered"));
        assert_eq!(library.iter().count(), 3);
        library
            .add_path(&folder.path().join("subscribing"), &catalogue())
            .unwrap();
        assert_eq!(library.iter().count(), 3);
    }

    #[test]
    fn files_that_cannot_be_read_are_reported() {
        let folder = tempfile::tempdir().unwrap();
        write(
            folder.path(),
            &[("large.yaml", &"#".repeat(1 << 21)), ("empty/x.md", "")],
        );
        std::fs::write(folder.path().join("latin.yaml"), b"title: \xe4").unwrap();
        for (path, wanted) in [
            ("large.yaml", "larger"),
            ("latin.yaml", "UTF-8"),
            ("nowhere.yaml", "cannot be read"),
            ("empty", "there is no scenario"),
        ] {
            let error = Library::default()
                .add_path(&folder.path().join(path), &catalogue())
                .unwrap_err();
            assert!(error.to_string().contains(wanted), "{error}");
        }
    }

    #[test]
    fn the_embedded_scenarios_are_in_order() {
        let library = Library::embedded(&Catalogue::embedded().unwrap()).unwrap();
        assert!(library.iter().count() >= 50);
        assert!(library.iter().all(|scenario| !scenario.folder.is_empty()));
    }
}
