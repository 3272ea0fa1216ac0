//! Names that were meant by others: slips of case, of punctuation, of a letter or two, and names that were cut short or drawn out.

/// The shortest name that is looked for within another.
const SHORTEST_PART: usize = 4;

/// The candidate that a name stands for; `None` where none is near enough. Case and punctuation count for nothing.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = squeezed(name);
    if name.is_empty() {
        return None;
    }
    let distances = candidates
        .into_iter()
        .filter_map(|candidate| Some((distance(&name, &squeezed(candidate))?, candidate)));
    let nearest = distances.min_by_key(|(distance, _)| *distance);
    nearest.map(|(_, candidate)| candidate)
}

fn squeezed(name: &str) -> String {
    let letters = name.chars().filter(|letter| letter.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

fn distance(name: &str, candidate: &str) -> Option<usize> {
    let (shorter, longer) = match name.len() <= candidate.len() {
        true => (name, candidate),
        false => (candidate, name),
    };
    let edits = strsim::damerau_levenshtein(shorter, longer);
    let bearable = match shorter.len() {
        0..=3 => 0,
        4..=5 => 1,
        _ => 2,
    };
    let is_part = shorter.len() >= SHORTEST_PART && longer.contains(shorter);
    (edits <= bearable || is_part).then_some(edits)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 4] = ["lease_seconds", "events", "topic", "channel.endpoint"];

    #[test]
    fn slips_are_near() {
        for (name, meant) in [
            ("lease", "lease_seconds"),
            ("leaseSeconds", "lease_seconds"),
            ("event", "events"),
            ("TOPIC", "topic"),
            ("tpoic", "topic"),
            ("channel-endpiont", "channel.endpoint"),
        ] {
            assert_eq!(nearest(name, NAMES), Some(meant), "{name}");
        }
    }

    #[test]
    fn strangers_are_not_near() {
        for name in ["", "...", "uid", "secret", "le", "mode"] {
            assert_eq!(nearest(name, NAMES), None, "{name}");
        }
    }
}
