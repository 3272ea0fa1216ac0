//! Endpoints that can be guessed: what endpoints that a hub gave out one after the other have in common (ambiguities, 85).
//!
//! Randomness cannot be proven. What can be seen is a counter, a clock, the topic, or too few places that differ.

use std::collections::BTreeSet;

/// The least that must differ from endpoint to endpoint, in bits.
const LEAST_BITS: f64 = 64.0;

/// Why these endpoints of one topic can be guessed from each other, where they can; `topic` is no secret.
pub fn guessable(endpoints: &[&str], topic: &str) -> Option<String> {
    let encoded: String = url::form_urlencoded::byte_serialize(topic.as_bytes()).collect();
    let without_topic = |endpoint: &&str| match topic {
        "" => (*endpoint).to_owned(),
        _ => endpoint.replace(topic, "").replace(&encoded, ""),
    };
    let rest: Vec<String> = endpoints.iter().map(without_topic).collect();
    let different: BTreeSet<&String> = rest.iter().collect();
    if different.len() < rest.len() {
        return Some("two of them are the same but for the topic".to_owned());
    }
    let varying = varying(&rest);
    let fewest = varying
        .iter()
        .map(|text| bits(text, &varying))
        .fold(f64::INFINITY, f64::min);
    (fewest < LEAST_BITS).then(|| {
        let examples = varying.iter().take(3).map(|text| format!("'{text}'"));
        let examples = examples.collect::<Vec<_>>().join(", ");
        format!("beside the topic, they differ only in {examples}: {fewest:.0} bits, where {LEAST_BITS} are the least")
    })
}

/// What is left of texts without what all of them begin and end with.
fn varying(texts: &[String]) -> Vec<String> {
    let texts: Vec<Vec<char>> = texts.iter().map(|text| text.chars().collect()).collect();
    let Some(first) = texts.first() else {
        return Vec::new();
    };
    let shortest = texts.iter().map(Vec::len).min().unwrap_or_default();
    let same = |at: &dyn Fn(&[char]) -> Option<char>| {
        let wanted = at(first);
        texts.iter().all(|text| at(text) == wanted)
    };
    let prefix = (0..shortest)
        .take_while(|index| same(&|text: &[char]| text.get(*index).copied()))
        .count();
    let suffix = (0..shortest - prefix)
        .take_while(|index| same(&|text: &[char]| text.iter().rev().nth(*index).copied()))
        .count();
    let inner = texts
        .iter()
        .map(|text| text[prefix..text.len() - suffix].iter().collect());
    inner.collect()
}

/// How many bits a text can hold, written with the characters that all of them are written with.
fn bits(text: &str, all: &[String]) -> f64 {
    let has = |fits: fn(&char) -> bool| all.iter().any(|text| text.chars().any(|letter| fits(&letter)));
    let beyond_hex = has(|letter| letter.is_ascii_alphabetic() && !letter.is_ascii_hexdigit());
    let letters = match (beyond_hex, has(char::is_ascii_alphabetic)) {
        (true, _) => 26.0,
        (false, true) => 6.0,
        (false, false) => 0.0,
    };
    let both_cases = has(char::is_ascii_uppercase) && has(char::is_ascii_lowercase);
    let alphabet: f64 = 10.0 + letters * if both_cases { 2.0 } else { 1.0 };
    // Places that are the same in all of them say nothing.
    let letters: Vec<Vec<char>> = all.iter().map(|text| text.chars().collect()).collect();
    let differs = |index: usize| {
        let mut seen = letters.iter().map(|letters| letters.get(index));
        let first = seen.next();
        seen.any(|other| Some(other) != first)
    };
    let counted = text.chars().enumerate();
    let counted = counted.filter(|(index, letter)| letter.is_ascii_alphanumeric() && differs(*index));
    #[expect(clippy::cast_precision_loss, reason = "the length of a URL")]
    let length = counted.count() as f64;
    length * alphabet.log2()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPARED: usize = 8;

    fn judged(endpoints: impl Iterator<Item = String>) -> Option<String> {
        let endpoints: Vec<String> = endpoints.take(COMPARED).collect();
        let endpoints: Vec<&str> = endpoints.iter().map(String::as_str).collect();
        guessable(&endpoints, "topic-7")
    }

    /// A number that looks like any other.
    fn scattered(number: u64) -> u64 {
        (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23) ^ 0x5bd1_e995_5bd1_e995
    }

    #[test]
    fn random_endpoints_are_not_guessable() {
        let two = |number: u64| (scattered(number), scattered(number + 1_000));
        assert_eq!(
            judged((0..).map(|n| {
                let (a, b) = two(n);
                format!("wss://h/ws/{a:016x}{b:016x}")
            })),
            None
        );
        assert_eq!(
            judged((0..).map(|n| {
                let (a, b) = two(n);
                format!("wss://h/topic-7/{a:x}-{b:x}?x=1")
            })),
            None
        );
        // A UUID that begins with the time (version 7) has enough beside it.
        assert_eq!(
            judged((0..).map(|n| {
                let (a, b) = two(n);
                format!("wss://h/018f-{n:04x}-7{:03x}-8{:015x}", a & 0xfff, b >> 4)
            })),
            None
        );
    }

    #[test]
    fn counters_clocks_topics_and_short_ones_are() {
        assert!(judged((0..).map(|n| format!("wss://h/ws/{:08}", 41 + n))).is_some());
        assert!(judged((0..).map(|n| format!("wss://h/ws/000000000000000000000000000{n}"))).is_some());
        // The topic, and a clock in milliseconds.
        assert!(
            judged((0..).map(|n| format!("wss://h/topic-7/{}", 1_764_200_000_000_u64 + n * 137))).is_some()
        );
        assert!(judged((0..).map(|_| "wss://h/topic-7".to_owned())).is_some());
        // A UUID made of the time (version 1).
        assert!(
            judged((0..).map(|n| format!(
                "wss://h/{:08x}-cb5a-11f0-8de9-0242ac120002",
                0x1f2e_3d4c_u64 + n * 7_919
            )))
            .is_some()
        );
        assert!(judged((0..).map(|n| format!("wss://h/ws/{:08x}", scattered(n) >> 32))).is_some());
    }
}
