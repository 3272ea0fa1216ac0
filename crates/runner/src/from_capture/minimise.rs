//! Makes a failing scenario smaller, a candidate at a time, as long as it still fails for the same reason.
//!
//! Which candidate fails is for whoever asks: [`Minimiser`] proposes, and is told.

use serde_json::{Map, Value, json};

/// Proposes ever smaller scenarios. Each candidate must be answered by [`Minimiser::answer`] before the next one comes.
#[derive(Debug)]
pub struct Minimiser {
    /// The smallest that is known to fail.
    best: Value,
    /// The kind of change that is being tried, and how far it has come.
    pass: ShrinkPass,
    candidate: Option<Value>,
    /// Something was made smaller in this round.
    progress: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ShrinkPass {
    /// Leave out so many steps from this one on.
    Steps {
        from: usize,
        count: usize,
    },
    /// Leave out this subscriber, with all that it does.
    Subscriber(usize),
    /// Leave out this item of the optional ones.
    Detail(usize),
    Done,
}

/// Members of a step that may be missing.
const OPTIONAL: [&str; 8] = [
    "context",
    "event_members",
    "case",
    "as_text",
    "after_ms",
    "checks",
    "requirement",
    "save",
];
/// Members of a subscriber that may be missing.
const OF_SUBSCRIBER: [&str; 5] = ["name", "topic", "lease_seconds", "answers", "secret"];

impl Minimiser {
    /// Begins with a scenario that fails.
    pub fn new(failing: Value) -> Self {
        let count = steps(&failing).len();
        Self {
            best: failing,
            pass: ShrinkPass::Steps {
                from: 0,
                count: (count / 2).max(1),
            },
            candidate: None,
            progress: false,
        }
    }

    /// The smallest that is known to fail.
    pub fn best(&self) -> &Value {
        &self.best
    }

    /// The next candidate; `None` when nothing more can be left out.
    pub fn next_candidate(&mut self) -> Option<Value> {
        loop {
            if self.candidate.is_some() {
                return self.candidate.clone();
            }
            match self.pass {
                ShrinkPass::Done => return None,
                ShrinkPass::Steps { from, count } => {
                    let all = steps(&self.best).len();
                    if from >= all {
                        self.pass = match count {
                            0 | 1 => ShrinkPass::Subscriber(0),
                            count => ShrinkPass::Steps {
                                from: 0,
                                count: count / 2,
                            },
                        };
                        continue;
                    }
                    self.candidate = Some(without_steps(&self.best, from, count));
                }
                ShrinkPass::Subscriber(position) => match without_subscriber(&self.best, position) {
                    None => self.pass = ShrinkPass::Detail(0),
                    smaller => self.candidate = smaller,
                },
                ShrinkPass::Detail(position) => {
                    match without_detail(&self.best, position) {
                        None if self.progress => {
                            // What one kind of change made possible, another may make use of.
                            self.progress = false;
                            self.pass = ShrinkPass::Steps { from: 0, count: 1 };
                        }
                        None => self.pass = ShrinkPass::Done,
                        smaller => self.candidate = smaller,
                    }
                }
            }
        }
    }

    /// Whether the candidate still fails for the same reason. One that is no scenario does not.
    pub fn answer(&mut self, fails: bool) {
        let Some(candidate) = self.candidate.take() else {
            return;
        };
        if fails {
            self.best = candidate;
            self.progress = true;
            // What stood behind what was left out now stands in its place.
            return;
        }
        self.pass = match self.pass {
            ShrinkPass::Steps { from, count } => ShrinkPass::Steps {
                from: from + count.max(1),
                count,
            },
            ShrinkPass::Subscriber(position) => ShrinkPass::Subscriber(position + 1),
            ShrinkPass::Detail(position) => ShrinkPass::Detail(position + 1),
            ShrinkPass::Done => ShrinkPass::Done,
        };
    }
}

fn steps(document: &Value) -> &[Value] {
    document
        .get("steps")
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn without_steps(document: &Value, from: usize, count: usize) -> Value {
    let kept = steps(document)
        .iter()
        .enumerate()
        .filter(|(position, _)| *position < from || *position >= from + count);
    let kept: Vec<Value> = kept.map(|(_, step)| step.clone()).collect();
    let mut smaller = document.clone();
    smaller["steps"] = Value::Array(kept);
    smaller
}

/// Without a subscriber, the steps that it takes and those that look at it.
fn without_subscriber(document: &Value, position: usize) -> Option<Value> {
    let subscribers = document.get("subscribers")?.as_object()?;
    let name = subscribers.keys().nth(position)?.clone();
    let mut smaller = document.clone();
    smaller["subscribers"].as_object_mut()?.shift_remove(&name);
    let kept = steps(document).iter().filter_map(|step| {
        let (kind, content) = step.as_object()?.iter().next()?;
        match content {
            Value::String(subscriber) if *subscriber == name => None,
            Value::Array(names) => {
                let others: Vec<&Value> = names.iter().filter(|other| *other != &json!(name)).collect();
                (!others.is_empty()).then(|| json!({ kind: others }))
            }
            Value::Object(members) => {
                let mentions = ["by", "at", "of", "subscriber"]
                    .iter()
                    .any(|member| members.get(*member) == Some(&json!(name)));
                (!mentions).then(|| step.clone())
            }
            _ => Some(step.clone()),
        }
    });
    smaller["steps"] = Value::Array(kept.collect());
    Some(smaller)
}

/// Without the optional item of this number: an event of a subscriber, a member of a subscriber or of a step, a subscriber of a
/// step for several.
fn without_detail(document: &Value, position: usize) -> Option<Value> {
    let mut left = position;
    let mut smaller = document.clone();
    let mut is_it = || {
        let found = left == 0;
        left = left.wrapping_sub(1);
        found
    };
    for subscriber in smaller.get_mut("subscribers")?.as_object_mut()?.values_mut() {
        let Some(subscriber) = subscriber.as_object_mut() else {
            continue;
        };
        if let Some(events) = subscriber.get_mut("events").and_then(Value::as_array_mut)
            && events.len() > 1
        {
            for event in 0..events.len() {
                if is_it() {
                    events.remove(event);
                    return Some(smaller);
                }
            }
        }
        if remove_one(subscriber, &OF_SUBSCRIBER, &mut is_it) {
            return Some(smaller);
        }
    }
    for step in smaller.get_mut("steps")?.as_array_mut()? {
        let Some((_, content)) = step.as_object_mut().and_then(|members| members.iter_mut().next()) else {
            continue;
        };
        match content {
            Value::Array(names) if names.len() > 1 => {
                for name in 0..names.len() {
                    if is_it() {
                        names.remove(name);
                        return Some(smaller);
                    }
                }
            }
            Value::Object(members) => {
                let removed = remove_one(members, &OPTIONAL, &mut is_it);
                if removed {
                    return Some(smaller);
                }
            }
            _ => {}
        }
    }
    for member in ["description", "needs"] {
        if document.get(member).is_some() && is_it() {
            smaller.as_object_mut()?.shift_remove(member);
            return Some(smaller);
        }
    }
    None
}

fn remove_one(members: &mut Map<String, Value>, names: &[&str], is_it: &mut impl FnMut() -> bool) -> bool {
    for name in names {
        if members.contains_key(*name) && is_it() {
            members.shift_remove(*name);
            return true;
        }
    }
    false
}
