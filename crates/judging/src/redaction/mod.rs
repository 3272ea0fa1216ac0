//! What must not be seen in evidence: credentials, and where asked for the data of patients, are replaced by a marker that tells
//! equal from different, and nothing else of them.
//!
//! A marker is an HMAC of what it stands for under a key that is made for each [`Redactor`] and never leaves it: two places with
//! the same marker held the same text, and the text cannot be guessed from it.

mod forms;
mod headers;
mod resources;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use aho_corasick::{AhoCorasick, MatchKind};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

pub use forms::OWN_SECRET;

use crate::outcome::{Check, Traffic};

/// Secrets shorter than this are replaced where their place tells that they are secrets, and nowhere else: as words of a text
/// they would be found everywhere.
const SHORTEST_KNOWN: usize = 5;
/// How many values of resources are remembered, to be found again in messages about them.
const MOST_HIDDEN: usize = 100_000;

/// Replaces what must not be seen. Clones share what they know.
#[derive(Clone)]
pub struct Redactor(Arc<Inner>);

struct Inner {
    key: [u8; 32],
    known: RwLock<Known>,
    resources: bool,
    endpoints: bool,
    hidden: RwLock<BTreeSet<String>>,
    /// The headers that a target configures, in lower case, with their values.
    configured: RwLock<BTreeMap<String, BTreeSet<String>>>,
}

#[derive(Default)]
struct Known {
    /// What is looked for, in each of its spellings, with the secret that it spells.
    spellings: Vec<(String, String)>,
    search: Option<AhoCorasick>,
}

impl Default for Redactor {
    fn default() -> Self {
        Self::new(false, false)
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor")
            .field("resources", &self.0.resources)
            .field("endpoints", &self.0.endpoints)
            .finish_non_exhaustive()
    }
}

impl Redactor {
    /// A redactor that knows no secret yet. With `resources`, what FHIR resources say of people is replaced too; with
    /// `endpoints`, the last part of a WebSocket's URL, which lets anybody in who knows it.
    pub fn new(resources: bool, endpoints: bool) -> Self {
        Self(Arc::new(Inner {
            key: rand::random(),
            known: RwLock::default(),
            resources,
            endpoints,
            hidden: RwLock::default(),
            configured: RwLock::default(),
        }))
    }

    /// Tells of a secret: it is replaced wherever it stands from now on, as it is, in a URL, a form or a JSON string.
    pub fn know(&self, secret: &str) {
        let secret = secret.trim();
        if secret.len() < SHORTEST_KNOWN {
            return;
        }
        let mut known = self.0.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.spellings.iter().any(|(_, listed)| listed == secret) {
            return;
        }
        let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let json = serde_json::to_string(secret).unwrap_or_default();
        // Between the quotation marks; one that the secret ends with has a backslash before it.
        let json = json.strip_prefix('"').and_then(|json| json.strip_suffix('"'));
        let spellings = [
            secret.to_owned(),
            form.replace('+', "%20"),
            form,
            json.unwrap_or(secret).to_owned(),
        ];
        for spelling in spellings {
            if known.spellings.iter().all(|(listed, _)| *listed != spelling) {
                known.spellings.push((spelling, secret.to_owned()));
            }
        }
        let search = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(known.spellings.iter().map(|(spelling, _)| spelling));
        known.search = search.ok();
    }

    /// Tells of a header that a target configures. Whatever it is for, its value is hidden under its name; and wherever else it
    /// stands, unless the header is one that everybody sends.
    pub fn know_header(&self, name: &str, value: &str) {
        if !headers::is_ordinary(name) {
            self.know(value);
        }
        let mut configured = self.0.configured.write().unwrap_or_else(PoisonError::into_inner);
        let values = configured.entry(name.to_ascii_lowercase()).or_default();
        values.insert(value.trim().to_owned());
    }

    /// The credentials in a header's value, for [`Redactor::know`]; none where the header is no place for them.
    pub fn credentials_of(name: &str, value: &str) -> Vec<String> {
        headers::credentials(name, value)
    }

    /// What stands in place of a text.
    pub fn marker(&self, text: &str) -> String {
        if forms::is_marker(text) {
            return text.to_owned();
        }
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0.key) else {
            return forms::MARKER.to_owned();
        };
        mac.update(text.as_bytes());
        let digest = mac.finalize().into_bytes();
        format!("{}{}", forms::MARKER, hex::encode(&digest[..4]))
    }

    /// A text without the secrets that are known, and without what has the form of one.
    pub fn text(&self, text: &str) -> String {
        let text = self.without_known(text);
        let text = forms::hide(&text, self.0.endpoints, &|secret| self.marker(secret));
        self.without_hidden(text)
    }

    /// A header's value: of those that carry credentials, no more than their scheme or names.
    pub fn header(&self, name: &str, value: &str) -> String {
        let mark = |secret: &str| self.marker(secret);
        if let Some(hidden) = headers::hide(name, value, &mark) {
            return hidden;
        }
        match self.is_configured(name, value) {
            true => self.marker(value.trim()),
            false => self.text(value),
        }
    }

    /// Whether a target configures this header: of those that everybody sends, with this value.
    fn is_configured(&self, name: &str, value: &str) -> bool {
        let configured = self.0.configured.read().unwrap_or_else(PoisonError::into_inner);
        let values = configured.get(&name.to_ascii_lowercase());
        values.is_some_and(|values| !headers::is_ordinary(name) || values.contains(value.trim()))
    }

    /// Names and values of headers.
    pub fn headers(&self, headers: &mut [(String, String)]) {
        for (name, value) in headers {
            *value = self.header(name, value);
        }
    }

    /// A body or a frame: as a text, and with resources hidden where that is asked for.
    pub fn body(&self, body: &str) -> String {
        if self.0.resources
            && let Ok(mut json) = serde_json::from_str::<Value>(body)
        {
            let mut values = BTreeSet::new();
            resources::hide(&mut json, &mut values, &|value| self.marker(value));
            if !values.is_empty() {
                let mut hidden = self.0.hidden.write().unwrap_or_else(PoisonError::into_inner);
                if hidden.len() < MOST_HIDDEN {
                    hidden.extend(values);
                }
                drop(hidden);
                // Serialization of a value that was parsed cannot fail.
                return self.text(&serde_json::to_string(&json).unwrap_or_default());
            }
        }
        self.text(body)
    }

    /// A message of a transcript.
    #[must_use]
    pub fn traffic(&self, traffic: Traffic) -> Traffic {
        let mut traffic = traffic;
        match &mut traffic {
            Traffic::Request {
                url, headers, body, ..
            }
            | Traffic::CallbackRequest {
                url, headers, body, ..
            } => {
                *url = self.text(url);
                self.headers(headers);
                *body = self.body(body);
            }
            Traffic::Response { headers, body, .. } | Traffic::CallbackResponse { headers, body, .. } => {
                self.headers(headers);
                *body = self.body(body);
            }
            Traffic::FrameSent { text, .. } | Traffic::FrameReceived { text, .. } => *text = self.body(text),
            Traffic::Connect { url: text }
            | Traffic::NoResponse { problem: text }
            | Traffic::ConnectFailed { problem: text, .. }
            | Traffic::Closed { reason: text, .. }
            | Traffic::Note { text } => *text = self.text(text),
            Traffic::Connected => {}
        }
        traffic
    }

    /// What a check says. Its evidence is of a transcript, and has been here before.
    pub fn check(&self, check: &mut Check) {
        check.message = self.text(&check.message);
        for text in [&mut check.expected, &mut check.observed, &mut check.repeat]
            .into_iter()
            .flatten()
        {
            *text = self.text(text);
        }
    }

    /// Every string within a JSON value, as a text.
    pub fn strings(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.strings(item)),
            Value::Object(members) => members.values_mut().for_each(|member| self.strings(member)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn without_known(&self, text: &str) -> String {
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
        let Some(search) = &known.search else {
            return text.to_owned();
        };
        let mut replaced = String::with_capacity(text.len());
        let mut end = 0;
        for found in search.find_iter(text) {
            replaced.push_str(&text[end..found.start()]);
            replaced.push_str(&self.marker(&known.spellings[found.pattern().as_usize()].1));
            end = found.end();
        }
        replaced.push_str(&text[end..]);
        replaced
    }

    /// Without the values of resources that have been hidden before, where they stand as words of their own.
    fn without_hidden(&self, text: String) -> String {
        if !self.0.resources {
            return text;
        }
        let hidden = self.0.hidden.read().unwrap_or_else(PoisonError::into_inner);
        if hidden.is_empty() {
            return text;
        }
        resources::hide_again(&text, &hidden, &|value| self.marker(value))
    }
}

#[cfg(test)]
mod tests;
