//! The differences between a context that was published and a copy of it, each with its place. Whether a difference is lawful
//! is told in [`super::latitude`].

use serde_json::{Map, Value};

use super::sameness::{equal, lost};

/// The kind of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// A member that was published is not in the copy.
    MemberMissing,
    /// The copy has a member that was not published.
    MemberAdded,
    /// An element of an array that was published is not in the copy.
    ElementMissing,
    /// The copy has an element of an array that was not published.
    ElementAdded,
    /// The copy has another value.
    Other,
    /// The elements of an array are the same, in another order.
    Order,
    /// A number is the same, written otherwise.
    Spelling,
}

impl Change {
    /// The change in words, said of its place.
    pub(super) fn told(self) -> &'static str {
        match self {
            Self::MemberMissing | Self::ElementMissing => "is missing",
            Self::MemberAdded | Self::ElementAdded => "was added",
            Self::Other => "has another value",
            Self::Order => "stands in another order",
            Self::Spelling => "is written otherwise",
        }
    }
}

/// A difference between what was published and its copy.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Difference {
    pub(super) change: Change,
    /// The steps from the context to the place: in what was published or, of what was added, in the copy.
    pub(super) path: Vec<String>,
    /// The steps from the context to the place in the copy.
    pub(super) in_copy: Vec<String>,
    /// What was published there.
    pub(super) published: Option<Value>,
    /// What the copy has there.
    pub(super) copied: Option<Value>,
}

impl Difference {
    /// A difference at the same place of both.
    pub(super) fn at(change: Change, path: &[String], published: Value, copied: Value) -> Self {
        Self {
            change,
            path: path.to_vec(),
            in_copy: path.to_vec(),
            published: Some(published),
            copied: Some(copied),
        }
    }
}

/// Steps as a JSON pointer.
pub(super) fn pointer(steps: &[String]) -> String {
    let escaped = steps
        .iter()
        .map(|step| step.replace('~', "~0").replace('/', "~1"));
    escaped.fold(String::new(), |pointer, step| format!("{pointer}/{step}"))
}

/// All differences between a published context and a copy of it. Entries are told apart by their key and resource, so they may
/// stand in any order.
pub(super) fn differences(published: &Value, copy: &Value) -> Vec<Difference> {
    let mut walk = Walk::default();
    match (published, copy) {
        (Value::Array(entries), Value::Array(copies)) => walk.entries(entries, copies),
        _ => walk.values(published, copy),
    }
    walk.found
}

#[derive(Debug, Default)]
struct Walk {
    path: Vec<String>,
    in_copy: Vec<String>,
    found: Vec<Difference>,
}

impl Walk {
    fn values(&mut self, published: &Value, copy: &Value) {
        match (published, copy) {
            (Value::Object(members), Value::Object(copied)) => self.members(members, copied),
            (Value::Array(elements), Value::Array(copied)) => self.elements(elements, copied),
            _ if equal(published, copy) => {}
            _ => self.note(Change::Other, Some(published), Some(copy)),
        }
    }

    fn members(&mut self, published: &Map<String, Value>, copy: &Map<String, Value>) {
        for (name, value) in published {
            self.within(name, name, |walk| match copy.get(name) {
                Some(copied) => walk.values(value, copied),
                None => walk.note(Change::MemberMissing, Some(value), None),
            });
        }
        for (name, value) in copy.iter().filter(|(name, _)| !published.contains_key(*name)) {
            self.within(name, name, |walk| {
                walk.note(Change::MemberAdded, None, Some(value))
            });
        }
    }

    fn elements(&mut self, published: &[Value], copy: &[Value]) {
        let keeps = |at: usize, to: usize| lost(&published[at], &copy[to], "").is_none();
        let mut pairs = Pairs::of(published.len(), copy.len());
        pairs.match_if(|at, to| at == to && keeps(at, to));
        pairs.match_if(keeps);
        let in_order = pairs.matched.iter().flatten().is_sorted();
        let complete = pairs.matched.iter().all(Option::is_some);
        pairs.match_rest();
        self.paired(published, copy, &pairs);
        if complete && !in_order {
            let published = Value::from(published.to_vec());
            let copied = Value::from(copy.to_vec());
            self.note(Change::Order, Some(&published), Some(&copied));
        }
    }

    fn entries(&mut self, published: &[Value], copy: &[Value]) {
        let has_key = |at: usize, to: usize| published[at].get("key") == copy[to].get("key");
        let is_same_resource = |at: usize, to: usize| {
            let named = resource_of(&published[at]);
            named.is_some() && named == resource_of(&copy[to])
        };
        // Entries whose key is lost or in another case are still told by it: it is the key that is then wrong.
        let key_is_near = |at: usize, to: usize| {
            let near = |(one, other): (&str, &str)| one.eq_ignore_ascii_case(other);
            match copy[to].get("key").and_then(Value::as_str) {
                Some(key) => text(&published[at], "key")
                    .map(|one| (one, key))
                    .is_some_and(near),
                None => true,
            }
        };
        let mut pairs = Pairs::of(published.len(), copy.len());
        pairs.match_if(|at, to| has_key(at, to) && lost(&published[at], &copy[to], "").is_none());
        pairs.match_if(|at, to| has_key(at, to) && is_same_resource(at, to));
        pairs.match_if(has_key);
        pairs.match_if(is_same_resource);
        pairs.match_if(key_is_near);
        self.paired(published, copy, &pairs);
    }

    fn paired(&mut self, published: &[Value], copy: &[Value], pairs: &Pairs) {
        for (at, to) in pairs.matched.iter().enumerate() {
            let place = to.unwrap_or(at).to_string();
            self.within(&at.to_string(), &place, |walk| match to {
                Some(to) => walk.values(&published[at], &copy[*to]),
                None => walk.note(Change::ElementMissing, Some(&published[at]), None),
            });
        }
        for (to, value) in copy.iter().enumerate().filter(|(to, _)| pairs.is_free(*to)) {
            let place = to.to_string();
            self.within(&place, &place, |walk| {
                walk.note(Change::ElementAdded, None, Some(value));
            });
        }
    }

    fn within(&mut self, step: &str, in_copy: &str, look: impl FnOnce(&mut Self)) {
        self.path.push(step.to_owned());
        self.in_copy.push(in_copy.to_owned());
        look(self);
        self.path.pop();
        self.in_copy.pop();
    }

    fn note(&mut self, change: Change, published: Option<&Value>, copied: Option<&Value>) {
        self.found.push(Difference {
            change,
            path: self.path.clone(),
            in_copy: self.in_copy.clone(),
            published: published.cloned(),
            copied: copied.cloned(),
        });
    }
}

/// Which element of a copy belongs to which published one.
#[derive(Debug)]
struct Pairs {
    matched: Vec<Option<usize>>,
    taken: Vec<bool>,
}

impl Pairs {
    fn of(published: usize, copied: usize) -> Self {
        Self {
            matched: vec![None; published],
            taken: vec![false; copied],
        }
    }

    /// Pairs what has no counterpart yet and belongs together.
    fn match_if(&mut self, belong: impl Fn(usize, usize) -> bool) {
        for (at, found) in self.matched.iter_mut().enumerate() {
            if found.is_none()
                && let Some(to) = (0..self.taken.len()).find(|to| !self.taken[*to] && belong(at, *to))
            {
                *found = Some(to);
                self.taken[to] = true;
            }
        }
    }

    /// Pairs what is left in the order in which it stands.
    fn match_rest(&mut self) {
        self.match_if(|_, _| true);
    }

    fn is_free(&self, to: usize) -> bool {
        !self.taken[to]
    }
}

/// Type and id of the resource in an entry.
fn resource_of(entry: &Value) -> Option<(&str, &str)> {
    let resource = entry.get("resource")?;
    Some((text(resource, "resourceType")?, text(resource, "id")?))
}

fn text<'v>(value: &'v Value, member: &str) -> Option<&'v str> {
    value.get(member)?.as_str()
}
