//! Who may sign: a file of allowed signers, in the format that `ssh-keygen` reads (section ALLOWED SIGNERS of its manual).

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use ssh_key::PublicKey;

use super::signature::NAMESPACE;

/// Lines that are read at the most.
const LINES: usize = 10_000;

/// The file cannot be understood.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SignersError {
    /// A line is not in the format.
    #[error("line {line}: {problem}")]
    Line {
        /// Its number.
        line: usize,
        /// What was wrong with it.
        problem: String,
    },
    /// There are too many of them.
    #[error("has more than {LINES} lines")]
    Long,
}

/// Why a key is nobody's who may sign.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum NotAllowed {
    /// The name stands nowhere.
    #[error("no line is for '{0}'")]
    Nobody(String),
    /// The name has other keys.
    #[error("'{0}' has another key")]
    OtherKey(String),
    /// The line is not for reports.
    #[error("the key of '{0}' may not sign for the namespace {NAMESPACE}")]
    Purpose(String),
    /// The time of the line has not come, or is over.
    #[error("the key of '{0}' is not valid now")]
    Time(String),
}

/// Who may sign.
#[derive(Debug)]
pub struct AllowedSigners(Vec<Line>);

#[derive(Debug)]
struct Line {
    principals: String,
    bounds: Bounds,
    key: PublicKey,
}

/// What the options of a line say.
#[derive(Debug, Default)]
struct Bounds {
    namespaces: Option<String>,
    after: Option<Timestamp>,
    before: Option<Timestamp>,
    authority: bool,
}

impl AllowedSigners {
    /// Reads a file. Times without a zone are in the given one.
    ///
    /// # Errors
    /// When a line is not in the format.
    pub fn parse(text: &str, zone: &TimeZone) -> Result<Self, SignersError> {
        let mut lines = Vec::new();
        for (number, line) in text.lines().enumerate() {
            if number >= LINES {
                return Err(SignersError::Long);
            }
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            lines.push(Line::parse(line, zone).map_err(|problem| SignersError::Line {
                line: number + 1,
                problem,
            })?);
        }
        Ok(Self(lines))
    }

    /// Whether this key is one with which this name may sign reports now.
    ///
    /// # Errors
    /// When it is not, and why. Lines of certificate authorities allow nobody: castspec reads no certificates.
    pub fn allow(&self, name: &str, key: &PublicKey, now: Timestamp) -> Result<(), NotAllowed> {
        let told = || name.to_owned();
        let of_name = self
            .0
            .iter()
            .filter(|line| !line.bounds.authority && is_of(&line.principals, name));
        let of_name: Vec<&Line> = of_name.collect();
        if of_name.is_empty() {
            return Err(NotAllowed::Nobody(told()));
        }
        let mut with_key = of_name
            .iter()
            .filter(|line| line.key.key_data() == key.key_data())
            .peekable();
        if with_key.peek().is_none() {
            return Err(NotAllowed::OtherKey(told()));
        }
        let mut problem = NotAllowed::Purpose(told());
        for line in with_key {
            let namespaces = line.bounds.namespaces.as_deref();
            if !namespaces.is_none_or(|list| is_of(list, NAMESPACE)) {
                continue;
            }
            if line.bounds.hold(now) {
                return Ok(());
            }
            problem = NotAllowed::Time(told());
        }
        Err(problem)
    }
}

impl Line {
    fn parse(line: &str, zone: &TimeZone) -> Result<Self, String> {
        let (principals, rest) = word(line)?;
        // Options stand before the key where there are some.
        // ssh-keygen takes any blanks between the kind of a key and the key.
        let read = |text: &str| {
            let words: Vec<&str> = text.split_whitespace().collect();
            PublicKey::from_openssh(&words.join(" "))
        };
        let (bounds, key) = match read(rest) {
            Ok(key) => (Bounds::default(), key),
            Err(_) => {
                let (options, rest) = word(rest)?;
                let key = read(rest);
                let bounds = match key {
                    // A key that cannot be read is no option.
                    Err(_) if options.starts_with("ssh-") || options.starts_with("ecdsa-") => {
                        Bounds::default()
                    }
                    _ => Bounds::parse(&options, zone)?,
                };
                let missing = |_| "has no public key after the name and the options".to_owned();
                (bounds, key.map_err(missing)?)
            }
        };
        Ok(Self {
            principals,
            bounds,
            key,
        })
    }
}

impl Bounds {
    fn parse(options: &str, zone: &TimeZone) -> Result<Self, String> {
        let mut bounds = Self::default();
        let mut seen = BTreeSet::new();
        for option in split(options) {
            let (name, value) = option.split_once('=').unwrap_or((option.as_str(), ""));
            let name = name.to_ascii_lowercase();
            if !seen.insert(name.clone()) {
                return Err(format!("has the option {name} twice"));
            }
            let quoted = || {
                let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
                value.ok_or_else(|| format!("has no quotation marks around the value of {name}"))
            };
            match name.as_str() {
                "cert-authority" => bounds.authority = true,
                "namespaces" => bounds.namespaces = Some(quoted()?.to_owned()),
                "valid-after" => bounds.after = Some(time(quoted()?, zone)?),
                "valid-before" => bounds.before = Some(time(quoted()?, zone)?),
                _ => return Err(format!("has an option that is not known: {name}")),
            }
        }
        Ok(bounds)
    }

    fn hold(&self, now: Timestamp) -> bool {
        self.after.is_none_or(|after| now >= after) && self.before.is_none_or(|before| now < before)
    }
}

/// The first word of a line, in which quoted spaces do not end it, and the rest.
fn word(line: &str) -> Result<(String, &str), String> {
    let mut quoted = false;
    let end = line.find(|c: char| {
        quoted ^= c == '"';
        c.is_whitespace() && !quoted
    });
    let Some(end) = end else {
        return Err("has no public key".to_owned());
    };
    let (word, rest) = line.split_at(end);
    let word = match word.strip_prefix('"').and_then(|word| word.strip_suffix('"')) {
        Some(bare) if !bare.contains('"') => bare,
        _ => word,
    };
    Ok((word.to_owned(), rest.trim_start()))
}

/// Options, separated by commas that are not quoted.
fn split(options: &str) -> Vec<String> {
    let mut quoted = false;
    let split = options.split(|c: char| {
        quoted ^= c == '"';
        c == ',' && !quoted
    });
    split.map(str::to_owned).collect()
}

/// A time as `ssh-keygen` writes it: `YYYYMMDD` or `YYYYMMDDHHMM[SS]`, in UTC where it ends in `Z`.
fn time(text: &str, zone: &TimeZone) -> Result<Timestamp, String> {
    let problem = || format!("has a time that is none: {text} (as in 20270131 or 20270131120000Z)");
    let (digits, zone) = match text.strip_suffix('Z') {
        Some(digits) => (digits, &TimeZone::UTC),
        None => (text, zone),
    };
    if !digits.is_ascii() || !matches!(digits.len(), 8 | 12 | 14) {
        return Err(problem());
    }
    let padded = format!("{digits:0<14}");
    let civil = DateTime::strptime("%Y%m%d%H%M%S", &padded).map_err(|_| problem())?;
    let zoned = civil.to_zoned(zone.clone()).map_err(|_| problem())?;
    Ok(zoned.timestamp())
}

/// Whether a list of patterns, separated by commas, is for this name: one fits, and none that begins with `!` does.
fn is_of(patterns: &str, name: &str) -> bool {
    let mut found = false;
    for pattern in patterns.split(',') {
        match pattern.strip_prefix('!') {
            Some(pattern) if fits(pattern, name) => return false,
            Some(_) => {}
            None => found |= fits(pattern, name),
        }
    }
    found
}

/// Whether a pattern, with `*` for any characters and `?` for one, fits a name.
fn fits(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    // Where the last star stood, and up to where it stood for the name.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || name.get(n) == Some(c) => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((at, taken)) = star else {
                    return false;
                };
                star = Some((at, taken + 1));
                (p, n) = (at + 1, taken + 1);
            }
        }
    }
    pattern.iter().skip(p).all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signing::signature::tests::key;

    fn public(seed: u8) -> String {
        key(seed).public_key().to_openssh().unwrap()
    }

    fn allowed(file: &str, name: &str, seed: u8) -> Result<(), NotAllowed> {
        let signers = AllowedSigners::parse(file, &TimeZone::UTC).unwrap();
        let now = "2026-06-15T12:00:00Z".parse().unwrap();
        signers.allow(name, key(seed).public_key(), now)
    }

    #[test]
    fn a_name_signs_with_its_key() {
        let file = format!(
            "# who may sign\n\nci@example.com,lab@example.com {}\n\"quality manager\" {} a comment\n",
            public(1),
            public(2)
        );
        assert_eq!(allowed(&file, "ci@example.com", 1), Ok(()));
        assert_eq!(allowed(&file, "lab@example.com", 1), Ok(()));
        assert_eq!(allowed(&file, "quality manager", 2), Ok(()));
        let other = NotAllowed::OtherKey("ci@example.com".to_owned());
        assert_eq!(allowed(&file, "ci@example.com", 2), Err(other));
        let nobody = NotAllowed::Nobody("ci@example.org".to_owned());
        assert_eq!(allowed(&file, "ci@example.org", 1), Err(nobody));
    }

    #[test]
    fn options_bound_what_a_key_may_sign() {
        let time = Err(NotAllowed::Time("a".to_owned()));
        let purpose = Err(NotAllowed::Purpose("a".to_owned()));
        let nobody = Err(NotAllowed::Nobody("a".to_owned()));
        for (options, expected) in [
            ("namespaces=\"castspec-report\"", Ok(())),
            ("namespaces=\"git,castspec-*\"", Ok(())),
            ("namespaces=\"git\"", purpose.clone()),
            ("namespaces=\"*,!castspec-report\"", purpose),
            ("valid-after=\"20260101\"", Ok(())),
            ("valid-after=\"20260615120001Z\"", time.clone()),
            ("valid-before=\"202606151201\"", Ok(())),
            ("valid-before=\"20260615120000Z\"", time.clone()),
            (
                "namespaces=\"file,castspec-report\",valid-before=\"20260101\"",
                time,
            ),
            ("cert-authority", nobody),
        ] {
            let file = format!("a {options} {}", public(1));
            assert_eq!(allowed(&file, "a", 1), expected, "{options}");
        }
    }

    #[test]
    fn a_name_may_stand_in_several_lines() {
        let file = format!(
            "a valid-before=\"20200101\" {0}\na {1}\na {0}\n",
            public(1),
            public(2)
        );
        assert_eq!(allowed(&file, "a", 1), Ok(()));
        assert_eq!(allowed(&file, "a", 2), Ok(()));
    }

    #[test]
    fn a_line_that_is_none_is_told_with_its_number() {
        let good = format!("a {}", public(1));
        for (bad, problem) in [
            ("alone", "has no public key"),
            (
                "a ssh-ed25519 AAAA",
                "has no public key after the name and the options",
            ),
            (
                "a valid-after=\"tomorrow\" ssh-ed25519 AAAA",
                "has a time that is none: tomorrow",
            ),
            (
                "a valid-after=\"20261301\" ssh-ed25519 AAAA",
                "has a time that is none: 20261301",
            ),
            (
                "a no-such-option ssh-ed25519 AAAA",
                "has an option that is not known: no-such-option",
            ),
        ] {
            let error = AllowedSigners::parse(&format!("{good}\n{bad}\n"), &TimeZone::UTC).unwrap_err();
            let error = error.to_string();
            assert!(error.starts_with(&format!("line 2: {problem}")), "{bad}: {error}");
        }
    }

    #[test]
    fn patterns_fit_as_those_of_ssh_do() {
        for (pattern, name, expected) in [
            ("*", "", true),
            ("*@example.com", "ci@example.com", true),
            ("*@example.com", "ci@example.com.evil", false),
            ("c?", "ci", true),
            ("c?", "c", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("", "a", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
        assert!(is_of("*,!eve", "ci") && !is_of("*,!eve", "eve") && !is_of("!eve", "ci"));
    }

    #[test]
    fn a_pattern_of_stars_takes_no_time() {
        // A star that is tried at every place for every other would take longer than anybody lives.
        assert!(!fits(&format!("{}c", "*a".repeat(30)), &"a".repeat(60)));
    }
}
