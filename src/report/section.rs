//! Sections of the specification: how they are sorted, and which chapter they belong to.

use castspec_judging::outcome::Check;

/// A section's place among the others, and its name in short: "2.10 Content Sharing" is 2.10. The sections of the older
/// versions have titles alone, and come after those with numbers.
pub fn key(section: &str) -> (usize, usize, String) {
    let number = section.split_whitespace().next().unwrap_or_default();
    if !number.starts_with(|c: char| c.is_ascii_digit()) {
        return (usize::MAX, 0, section.to_owned());
    }
    let mut parts = number.split('.').map(|part| part.parse().unwrap_or(usize::MAX));
    (
        parts.next().unwrap_or(usize::MAX),
        parts.next().unwrap_or(0),
        number.to_owned(),
    )
}

/// The chapter of a check's section: the number with the title of its page where there are both, else the
/// section itself.
pub fn chapter(check: &Check) -> String {
    let (_, _, short) = key(&check.section);
    if short == check.section {
        return short;
    }
    match title(&check.url, &short) {
        Some(title) => format!("{short} {title}"),
        None => check.section.clone(),
    }
}

/// The title that a page's file name bears: `2-5-ReceiveEventNotification.html` is "Receive Event Notification".
fn title(url: &str, number: &str) -> Option<String> {
    let page = url.split('#').next()?.rsplit('/').next()?.strip_suffix(".html")?;
    let name = page.strip_prefix(&number.replace('.', "-"))?.strip_prefix('-')?;
    let mut title = String::new();
    let mut before = ' ';
    for c in name.chars() {
        let boundary = c == '-' || (c.is_ascii_uppercase() && before.is_ascii_lowercase());
        if boundary && !title.ends_with(' ') {
            title.push(' ');
        }
        if c != '-' {
            title.push(c);
        }
        before = c;
    }
    Some(title.trim().to_owned()).filter(|title| !title.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_gives_the_chapter_its_title() {
        for (url, number, expected) in [
            (
                "https://h/2-5-ReceiveEventNotification.html#errors",
                "2.5",
                Some("Receive Event Notification"),
            ),
            ("https://h/3-3-1-Patient-open.html", "3.3.1", Some("Patient open")),
            ("https://h/2-4-Subscribing.html", "2.5", None),
            ("https://h/specification/STU2/#overview", "2", None),
            ("", "2", None),
        ] {
            assert_eq!(title(url, number).as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn numbers_sort_as_numbers() {
        assert!(key("2.9 Get Current Context") < key("2.10 Content Sharing"));
        assert!(key("4.2.2 Tabs") < key("Overview"));
    }
}
