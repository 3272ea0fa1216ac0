//! The parameters of a form, as many as a request can need, and each of them once.

use std::collections::HashMap;

use super::subscription::FormError;

/// The most parameters that a form may have: far more than all versions together know.
pub const MOST_PARAMETERS: usize = 200;
/// The most names that `hub.events` may have: more than there are resource types of FHIR and actions on them.
pub const MOST_EVENTS: usize = 1_000;

/// The parameters of a form, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormParameters(Vec<(String, String)>);

impl FormParameters {
    /// Reads a body (`application/x-www-form-urlencoded`).
    ///
    /// # Errors
    /// When it has more parameters than a request can need.
    pub fn read(body: &[u8]) -> Result<Self, FormError> {
        let mut parameters = url::form_urlencoded::parse(body);
        let read = parameters.by_ref().take(MOST_PARAMETERS);
        let read = read.map(|(name, value)| (name.into_owned(), value.into_owned()));
        let read: Vec<_> = read.collect();
        match parameters.count() {
            0 => Ok(Self(read)),
            more => Err(FormError::TooMany {
                place: "the form",
                what: "parameters",
                count: MOST_PARAMETERS + more,
                most: MOST_PARAMETERS,
            }),
        }
    }

    /// Whether no parameter stands more than once.
    ///
    /// # Errors
    /// When one does: the first of them.
    pub fn check_each_stands_once(&self, section: &'static str) -> Result<(), FormError> {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for (name, _) in &self.0 {
            *counts.entry(name).or_default() += 1;
        }
        let repeated = self.0.iter().find_map(|(name, _)| {
            let count = counts.get(name.as_str()).copied().filter(|count| *count > 1)?;
            Some((name, count))
        });
        match repeated {
            None => Ok(()),
            Some((name, count)) => Err(FormError::Repeated {
                parameter: name.clone(),
                count,
                section,
            }),
        }
    }

    /// The first value of a parameter; an empty one counts as none.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(parameter, _)| parameter == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// Names and values, in their order.
    pub fn into_pairs(self) -> Vec<(String, String)> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_parameters_are_read_and_no_more() {
        let form = |count: usize| -> String { (0..count).map(|number| format!("p{number}=x&")).collect() };
        let read = |count| FormParameters::read(form(count).as_bytes());
        assert_eq!(read(MOST_PARAMETERS).unwrap().into_pairs().len(), MOST_PARAMETERS);
        let error = read(60_000).unwrap_err().to_string();
        assert_eq!(
            error,
            "the form: there are 60000 parameters, and at most 200 are read; ask for less"
        );
    }

    #[test]
    fn the_first_that_stands_again_is_told_with_its_count() {
        let check = |form: &str| {
            FormParameters::read(form.as_bytes())
                .unwrap()
                .check_each_stands_once("2.4")
        };
        assert_eq!(check("a=1&b=1&A=1"), Ok(()));
        let error = check("c=1&a=1&b=1&b=2&a=2&a=").unwrap_err().to_string();
        assert!(error.starts_with("a appears 3 times"), "{error}");
    }
}
