//! Names that may be meant by one that was mistaken.

/// The candidate that is most like the name, where one is like enough to be meant.
pub(crate) fn suggestion<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    suggestions(wanted, candidates).into_iter().next()
}

/// Up to three candidates that may be meant, the likeliest first.
pub(crate) fn suggestions<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let folded = wanted.to_lowercase();
    let mut scored: Vec<(f64, &str)> = candidates
        .into_iter()
        .filter(|candidate| *candidate != wanted)
        .map(|candidate| {
            let other = candidate.to_lowercase();
            let contained =
                folded.len() >= 4 && (other.contains(&folded) || folded.contains(&other) && other.len() >= 4);
            let likeness = strsim::jaro_winkler(&folded, &other);
            (if contained { likeness.max(0.9) } else { likeness }, candidate)
        })
        .filter(|(score, _)| *score >= 0.82)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    scored.dedup_by(|a, b| a.1 == b.1);
    scored
        .into_iter()
        .take(3)
        .map(|(_, candidate)| candidate)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_pen_are_found_and_strangers_are_not() {
        let names = ["subscribe", "unsubscribe", "publish", "expect"];
        assert_eq!(suggestion("subscibe", names), Some("subscribe"));
        assert_eq!(suggestion("PUBLISH", names), Some("publish"));
        assert_eq!(suggestion("zzz", names), None);
        assert_eq!(suggestion("", names), None);
    }
}
