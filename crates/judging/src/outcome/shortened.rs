//! Texts cut to what is read at a glance.

/// A text cut to so many characters; an ellipsis tells where it was cut.
pub fn shortened(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_after_characters_and_not_after_bytes() {
        assert_eq!(shortened("Jürgen", 6), "Jürgen");
        assert_eq!(shortened("Jürgen", 2), "Jü…");
        assert_eq!(shortened("", 0), "");
        assert_eq!(shortened("a", 0), "…");
    }
}
