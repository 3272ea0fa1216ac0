//! Breaches of a requirement, and the places in the transcript that show them.

use crate::Answer;
use crate::schema::Unmet;

/// A place in the transcript, with a JSON pointer into the message where one is to the point.
#[derive(Debug, Clone)]
pub struct Place {
    /// Position in the transcript.
    pub sequence: usize,
    /// JSON pointer into the message.
    pub pointer: Option<String>,
}

impl Place {
    /// A whole message.
    pub fn at(sequence: usize) -> Self {
        Self {
            sequence,
            pointer: None,
        }
    }

    /// A place in a message.
    pub fn within(sequence: usize, pointer: &str) -> Self {
        let pointer = if pointer.is_empty() {
            None
        } else {
            Some(pointer.to_owned())
        };
        Self { sequence, pointer }
    }

    /// A request and the hub's answer to it.
    pub fn exchange(answer: &Answer) -> Vec<Self> {
        vec![Self::at(answer.request.sequence), Self::at(answer.spot.sequence)]
    }
}

/// Why a requirement did not hold.
#[derive(Debug, Clone, Default)]
pub struct Breach {
    /// One sentence that a hub's developer can act on.
    pub message: String,
    /// What was expected.
    pub expected: Option<String>,
    /// What came.
    pub observed: Option<String>,
    /// The messages that show it.
    pub places: Vec<Place>,
    /// A softer verdict than the requirement's level.
    pub unmet: Unmet,
    /// The schema found it: it stands for itself, whatever else is wrong at its place.
    pub by_schema: bool,
}

impl Breach {
    /// A breach that these places show.
    pub fn new(message: impl Into<String>, places: Vec<Place>) -> Self {
        Self {
            message: message.into(),
            places,
            ..Self::default()
        }
    }

    /// The same, with what was expected.
    #[must_use]
    pub fn expecting(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    /// The same, with what came.
    #[must_use]
    pub fn observing(mut self, observed: impl Into<String>) -> Self {
        self.observed = Some(observed.into());
        self
    }

    /// The same, with a softer verdict than the requirement's level.
    #[must_use]
    pub fn softened(mut self, unmet: Unmet) -> Self {
        self.unmet = unmet;
        self
    }
}

/// A sentence cut to what one reads at a glance; the whole stands in expected and observed.
pub fn shortened(text: &str) -> String {
    const LONGEST: usize = 300;
    crate::outcome::shortened(text, LONGEST)
}
