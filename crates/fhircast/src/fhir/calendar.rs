//! Dates and times that keep to the form and yet never were: the 30th of February.

/// Whether the date in a date, dateTime or instant that keeps to its form is one of the calendar. What has no day always is;
/// the time of day and the zone are a matter of the form.
pub(super) fn is_in_calendar(text: &str) -> bool {
    match text.get(..10) {
        Some(date) => date.parse::<jiff::civil::Date>().is_ok(),
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_that_never_were() {
        for (text, holds) in [
            ("2024", true),
            ("2024-02", true),
            ("2024-02-29", true),
            ("2023-02-29", false),
            ("2024-04-31", false),
            ("1900-02-29T10:00:00Z", false),
            ("2000-02-29T10:00:00+14:00", true),
            ("0001-01-01", true),
            ("2016-12-31T23:59:60Z", true),
        ] {
            assert_eq!(is_in_calendar(text), holds, "{text}");
        }
    }
}
