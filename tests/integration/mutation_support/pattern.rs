//! Places in a message: JSON pointers whose steps may stand for many array positions.

use serde_json::Value;

/// A JSON pointer pattern. `*` stands for every position of an array (or member of an object), `[key=patient]` for the
/// positions whose object has that member with that value, `[key=report|study]` for either value, `[identifier]` for those that
/// have the member at all.
#[derive(Debug, Clone)]
pub struct Pattern(Vec<Step>);

#[derive(Debug, Clone)]
enum Step {
    Name(String),
    Any,
    Which { member: String, values: Vec<String> },
}

impl Pattern {
    /// Reads a pattern; a slash within brackets separates nothing.
    pub fn parse(text: &str) -> Self {
        let mut steps = Vec::new();
        let mut depth = 0;
        let mut current: Option<String> = None;
        for character in text.chars() {
            match character {
                '/' if depth == 0 => steps.extend(current.replace(String::new())),
                _ => {
                    depth += i32::from(character == '[') - i32::from(character == ']');
                    current
                        .as_mut()
                        .unwrap_or_else(|| panic!("the pattern {text} does not begin with a slash"))
                        .push(character);
                }
            }
        }
        steps.extend(current);
        Self(steps.iter().map(|step| Step::parse(step)).collect())
    }

    /// The pointers of all places in the message that the pattern names.
    pub fn places(&self, message: &Value) -> Vec<String> {
        let mut found = vec![(String::new(), message)];
        for step in &self.0 {
            found = found
                .into_iter()
                .flat_map(|(pointer, value)| step.of(&pointer, value))
                .collect();
        }
        found.into_iter().map(|(pointer, _)| pointer).collect()
    }
}

impl Step {
    fn parse(text: &str) -> Self {
        let Some(condition) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
            return if text == "*" {
                Self::Any
            } else {
                Self::Name(text.to_owned())
            };
        };
        let (member, values) = condition.split_once('=').unwrap_or((condition, ""));
        Self::Which {
            member: member.to_owned(),
            values: values
                .split('|')
                .filter(|value| !value.is_empty())
                .map(str::to_owned)
                .collect(),
        }
    }

    fn of<'a>(&self, pointer: &str, value: &'a Value) -> Vec<(String, &'a Value)> {
        children(value)
            .filter(|(name, child)| match self {
                Self::Name(wanted) => wanted == name,
                Self::Any => true,
                Self::Which { member, values } => child.get(member).is_some_and(|found| {
                    values.is_empty()
                        || found
                            .as_str()
                            .is_some_and(|found| values.iter().any(|value| value == found))
                }),
            })
            .map(|(name, child)| (format!("{pointer}/{}", escaped(&name)), child))
            .collect()
    }
}

/// What an object or array holds, by name or position.
pub fn children(value: &Value) -> Box<dyn Iterator<Item = (String, &Value)> + '_> {
    match value {
        Value::Object(members) => Box::new(members.iter().map(|(name, member)| (name.clone(), member))),
        Value::Array(items) => Box::new(
            items
                .iter()
                .enumerate()
                .map(|(index, item)| (index.to_string(), item)),
        ),
        _ => Box::new(std::iter::empty()),
    }
}

/// A member's name as a JSON pointer writes it.
pub fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The pointer of what holds the place, and the place's name in it; `None` for the whole message.
pub fn parent(pointer: &str) -> Option<(&str, String)> {
    let (parent, name) = pointer.rsplit_once('/')?;
    Some((parent, name.replace("~1", "/").replace("~0", "~")))
}
