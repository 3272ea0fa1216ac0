//! What a rule does to one place of a message.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::pattern::parent;

/// One way to change a place.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// The member or array entry is left out.
    Drop,
    /// The value becomes one of another JSON type: of each type that is listed and that it is not of.
    Type(Vec<JsonType>),
    /// The value becomes each of these.
    To(Vec<Value>),
    /// The object gets these members, in place of any of the same names.
    Add(Map<String, Value>),
    /// The array gets each of these as its last entry.
    Append(Vec<Value>),
    /// The array gets all of these as its last entries.
    AppendAll(Vec<Value>),
    /// The array entry is there twice.
    Duplicate,
    /// The value becomes an array that holds it twice, as a repeated form parameter is read.
    Repeat,
    /// The member or array entry becomes an array that holds it alone.
    Wrap,
    /// The member gets another name.
    Rename(String),
    /// The member is there under another name as well.
    Copy(String),
    /// The text in upper case.
    UpperCase,
    /// The text in lower case.
    LowerCase,
    /// The text in the case that it has not.
    SwapCase,
    /// The text gets something before it.
    Prefix(String),
    /// The text gets something after it.
    Suffix(String),
    /// The number as text, or the text as a number.
    Retype,
    /// The members of the object, or the entries of the array, from last to first.
    Reverse,
    /// The parts of a text between commas from last to first.
    ReverseList,
}

/// A type of JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JsonType {
    Null,
    Boolean,
    Number,
    String,
    Array,
    Object,
}

impl JsonType {
    pub const ALL: [Self; 6] = [
        Self::Null,
        Self::Boolean,
        Self::Number,
        Self::String,
        Self::Array,
        Self::Object,
    ];

    pub fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Boolean,
            Value::Number(_) => Self::Number,
            Value::String(_) => Self::String,
            Value::Array(_) => Self::Array,
            Value::Object(_) => Self::Object,
        }
    }

    /// A value of the type that suits no place.
    pub fn sample(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Boolean => json!(true),
            Self::Number => json!(7),
            Self::String => json!("unfit text"),
            Self::Array => json!([]),
            Self::Object => json!({}),
        }
    }
}

impl Change {
    /// The messages that the change makes of one by what it does at the place; none where it changes nothing.
    pub fn mutants(&self, message: &Value, pointer: &str) -> Vec<Value> {
        let Some(old) = message.pointer(pointer) else {
            return Vec::new();
        };
        let mutants = match self {
            Self::Drop => vec![without(message, pointer)],
            Self::Rename(name) => vec![renamed(message, pointer, name, false)],
            Self::Copy(name) => vec![renamed(message, pointer, name, true)],
            Self::Duplicate => vec![duplicated(message, pointer)],
            _ => self
                .values(old)
                .into_iter()
                .map(|value| with(message, pointer, value))
                .collect(),
        };
        // The order of members counts as a change: text tells it, `==` on objects does not.
        let text = Value::to_string;
        let original = text(message);
        mutants
            .into_iter()
            .filter(|mutant| text(mutant) != original)
            .collect()
    }

    fn values(&self, old: &Value) -> Vec<Value> {
        let text = |change: &dyn Fn(&str) -> String| {
            let text = old
                .as_str()
                .unwrap_or_else(|| panic!("{self:?} of {old}, which is no text"));
            vec![Value::String(change(text))]
        };
        match self {
            Self::Type(types) => {
                let others = types.iter().filter(|other| **other != JsonType::of(old));
                others.map(|other| other.sample()).collect()
            }
            Self::To(values) => values.clone(),
            Self::Add(members) => {
                let mut object = object(old).clone();
                object.extend(members.clone());
                vec![Value::Object(object)]
            }
            Self::Append(entries) => entries
                .iter()
                .map(|entry| Value::Array([array(old).as_slice(), std::slice::from_ref(entry)].concat()))
                .collect(),
            Self::AppendAll(entries) => vec![Value::Array([array(old).as_slice(), entries].concat())],
            Self::Repeat => vec![json!([old, old])],
            Self::Wrap => vec![json!([old])],
            Self::UpperCase => text(&str::to_uppercase),
            Self::LowerCase => text(&str::to_lowercase),
            Self::SwapCase => text(&|text| text.chars().map(swapped).collect()),
            Self::Prefix(prefix) => text(&|text| format!("{prefix}{text}")),
            Self::Suffix(suffix) => text(&|text| format!("{text}{suffix}")),
            Self::ReverseList => text(&|text| text.split(',').rev().collect::<Vec<_>>().join(",")),
            Self::Retype => vec![match old {
                Value::String(text) => json!(
                    text.parse::<i64>()
                        .unwrap_or_else(|_| panic!("{text} is no number"))
                ),
                other => json!(other.to_string()),
            }],
            Self::Reverse => vec![match old {
                Value::Array(entries) => entries.iter().rev().cloned().collect(),
                other => object(other)
                    .iter()
                    .rev()
                    .map(|(name, member)| (name.clone(), member.clone()))
                    .collect::<Map<_, _>>()
                    .into(),
            }],
            Self::Drop | Self::Rename(_) | Self::Copy(_) | Self::Duplicate => Vec::new(),
        }
    }
}

fn swapped(character: char) -> char {
    if character.is_ascii_uppercase() {
        character.to_ascii_lowercase()
    } else {
        character.to_ascii_uppercase()
    }
}

fn object(value: &Value) -> &Map<String, Value> {
    value
        .as_object()
        .unwrap_or_else(|| panic!("{value} is no object"))
}

fn array(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("{value} is no array"))
}

/// The message with another value at the place.
pub fn with(message: &Value, pointer: &str, value: Value) -> Value {
    let mut mutant = message.clone();
    *mutant.pointer_mut(pointer).unwrap() = value;
    mutant
}

/// The message without what is at the place.
pub fn without(message: &Value, pointer: &str) -> Value {
    let (holder, name) = parent(pointer).unwrap_or_else(|| panic!("a whole message cannot be dropped"));
    let mut mutant = message.clone();
    match mutant.pointer_mut(holder).unwrap() {
        Value::Array(entries) => {
            entries.remove(name.parse().unwrap());
        }
        holder => {
            holder.as_object_mut().unwrap().shift_remove(&name);
        }
    }
    mutant
}

fn renamed(message: &Value, pointer: &str, name: &str, keep: bool) -> Value {
    let (holder, _) = parent(pointer).unwrap_or_else(|| panic!("a whole message has no name"));
    let member = message.pointer(pointer).unwrap().clone();
    let mut mutant = if keep {
        message.clone()
    } else {
        without(message, pointer)
    };
    let holder = mutant.pointer_mut(holder).and_then(Value::as_object_mut).unwrap();
    holder.insert(name.to_owned(), member);
    mutant
}

fn duplicated(message: &Value, pointer: &str) -> Value {
    let (holder, name) = parent(pointer).unwrap_or_else(|| panic!("a whole message cannot be duplicated"));
    let mut mutant = message.clone();
    let entries = mutant.pointer_mut(holder).and_then(Value::as_array_mut).unwrap();
    let index: usize = name.parse().unwrap();
    entries.insert(index, entries[index].clone());
    mutant
}
