//! What applications ask for and are given, for whoever watches: without codes and tokens.

use std::sync::Arc;

use serde_json::Value;

use super::request::{Granted, Parameters};

/// Something that took place at the authorization server.
#[derive(Debug, Clone, PartialEq)]
pub enum Witnessed {
    /// An application asked for an authorization.
    Asked {
        /// Its `client_id`.
        application: String,
        /// The scopes, as asked for.
        scope: Option<String>,
    },
    /// An application was given an access token.
    Granted(Granted),
}

/// Is told, before an answer is sent.
pub type Witness = Arc<dyn Fn(Witnessed) + Send + Sync>;

/// The request for an authorization in a query string or a form; `None` where nobody can be told from it.
pub(super) fn asked(parameters: &[u8]) -> Option<Witnessed> {
    let parameters = Parameters::parse(parameters).ok()?;
    Some(Witnessed::Asked {
        application: parameters.get("client_id")?.to_owned(),
        scope: parameters.get("scope").map(str::to_owned),
    })
}

/// What was granted, without the tokens themselves.
pub(super) fn granted(granted: &Granted) -> Witnessed {
    let mut shown = granted.clone();
    if let Value::Object(members) = &mut shown.answer {
        for (name, value) in members {
            if name.ends_with("_token") {
                *value = "…".into();
            }
        }
    }
    Witnessed::Granted(shown)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_secret_is_shown() {
        let answer = json!({"access_token": "hush-1", "refresh_token": "hush-2", "id_token": "hush-3", "scope": "x",
            "token_type": "Bearer", "hub.topic": "t"});
        let shown = granted(&Granted {
            answer,
            launch: 1,
            application: "viewer".to_owned(),
            asked: "x".to_owned(),
        });
        let text = format!("{shown:?}");
        assert!(!text.contains("hush") && text.contains("Bearer"), "{text}");
        let asked = asked(b"client_id=viewer&scope=a+b&code_challenge=hush&state=hush&launch=hush");
        let expected = Witnessed::Asked {
            application: "viewer".to_owned(),
            scope: Some("a b".to_owned()),
        };
        assert_eq!(asked, Some(expected));
    }

    #[test]
    fn who_says_nothing_of_itself_is_not_witnessed() {
        assert_eq!(asked(b"scope=a"), None);
        assert_eq!(asked(b"client_id=a&client_id=b"), None);
    }
}
