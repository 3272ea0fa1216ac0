//! What of a scenario could disturb others on a hub.

use super::library::Scenario;
use super::steps::Step;

/// The methods that change nothing, and the one by which FHIRcast itself asks for changes.
const HARMLESS: [&str; 4] = ["GET", "HEAD", "OPTIONS", "POST"];
/// A body of so many bytes may be more than a hub bears.
const LARGE: usize = 1_000_000;
/// So many events in a row are a flood.
const MANY: u32 = 200;

impl Scenario {
    /// How the scenario could disturb others, in a clause: as its author says it, or as its steps show.
    pub fn intrusion(&self) -> Option<String> {
        let said = self.document.intrusive.as_deref().map(str::trim);
        let steps = || self.document.steps.iter().find_map(|step| of_step(&step.value));
        said.map(str::to_owned).or_else(steps)
    }
}

fn of_step(step: &Step) -> Option<String> {
    match step {
        Step::Request(request) => {
            let method = request.method.as_deref().unwrap_or("POST");
            if !HARMLESS.contains(&method) {
                return Some(format!(
                    "a hub may take a {method} for what it says, and change or delete what others have there"
                ));
            }
            let size = request.padding.unwrap_or_default() + request.text.as_deref().map_or(0, str::len);
            (size >= LARGE).then(|| format!("a body of {size} bytes may be more than the hub bears"))
        }
        Step::Publish(publish) => {
            let times = publish.times.unwrap_or(1);
            (times >= MANY).then(|| format!("{times} events in a row may hold up others"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::requirement::Catalogue;
    use crate::scenario::Library;

    fn intrusion(head: &str, step: &str) -> Option<String> {
        let text = format!(
            "title: t\nversions: [STU3]\n{head}subscribers: {{v: {{events: [Patient-open]}}}}\nsteps:\n  - {step}\n  \
             - publish: {{by: v, event: Patient-open, answer: [{{requirement: publish.accept-or-reject, status: any}}]}}\n"
        );
        let catalogue = Catalogue::embedded().unwrap();
        Scenario::parse("t", "t", &text, &catalogue).unwrap().intrusion()
    }

    #[test]
    fn what_could_disturb_others_is_seen_in_the_steps() {
        for (step, says) in [
            ("request: {by: v, method: DELETE}", Some("a DELETE")),
            ("request: {by: v, method: PATCH, text: x}", Some("a PATCH")),
            (
                "request: {by: v, text: x, padding: 2000000}",
                Some("2000001 bytes"),
            ),
            (
                "publish: {by: v, event: Patient-open, times: 1000}",
                Some("1000 events"),
            ),
            ("request: {by: v, text: x, padding: 2000}", None),
            ("request: {by: v, method: GET}", None),
            ("request: {by: v, text: x}", None),
            ("publish: {by: v, event: Patient-open, times: 30}", None),
        ] {
            let found = intrusion("", step);
            assert_eq!(found.is_some(), says.is_some(), "{step}: {found:?}");
            assert!(
                found.unwrap_or_default().contains(says.unwrap_or_default()),
                "{step}"
            );
        }
        let said = intrusion("intrusive: it shouts\n", "request: {by: v, method: DELETE}");
        assert_eq!(said.as_deref(), Some("it shouts"));
    }

    #[test]
    fn few_of_the_scenarios_that_castspec_brings_are_intrusive() {
        let library = Library::embedded(&Catalogue::embedded().unwrap()).unwrap();
        let found = library.iter().filter(|scenario| scenario.intrusion().is_some());
        let names: Vec<&str> = found.map(|scenario| scenario.name.as_str()).collect();
        assert_eq!(names, ["malformed/no-topic-in-event", "malformed/wrong-method"]);
    }
}
