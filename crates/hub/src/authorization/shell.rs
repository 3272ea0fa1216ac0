//! HTTP around the heart: its paths, its headers, and the clock.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::request::{AuthorizationAnswer, OAuthError, Parameters, TokenAnswer};
use super::server::{AuthorizationServer, Issued, Options};
use super::token::{Grant, SigningError, TokenProblem};
use super::witness::{Witness, asked, granted};
use crate::browsers::Browsers;
use crate::protocol::Scopes;

/// Requests here are short.
const BODY_LIMIT: usize = 64 << 10;

/// An authorization server that many may use at once.
#[derive(Debug)]
pub struct Authorization(Mutex<AuthorizationServer>);

impl Authorization {
    /// A server at this URL, for the hub at that one, with codes and tokens from the operating system's randomness.
    ///
    /// # Errors
    /// When its key cannot be made.
    pub fn new(issuer: &str, hub_url: &str, options: &Options) -> Result<Self, SigningError> {
        let secrets = || {
            let halves = [uuid::Uuid::new_v4(), uuid::Uuid::new_v4()];
            halves.map(|half| half.simple().to_string()).concat()
        };
        let server = AuthorizationServer::new(issuer, hub_url, options, Box::new(secrets))?;
        Ok(Self(Mutex::new(server)))
    }

    fn lock(&self) -> MutexGuard<'_, AuthorizationServer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An access token without a launch, for scripts; a negative life makes one that has ended.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn issue(&self, client: &str, scopes: Scopes, life: SignedDuration) -> Result<Issued, SigningError> {
        self.lock().issue(client, scopes, life, Timestamp::now())
    }

    /// The grant of the token in the value of an `Authorization` header.
    ///
    /// # Errors
    /// When there is none, or its token was not issued here or has ended.
    pub fn admit(&self, header: Option<&str>, now: Timestamp) -> Result<Grant, TokenProblem> {
        let header = header.ok_or(TokenProblem::Missing)?;
        match header.trim().split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
                self.lock().admit(token.trim(), now)
            }
            _ => Err(TokenProblem::OtherScheme),
        }
    }
}

/// What answers requests: the server, and who is told of them.
#[derive(Clone)]
struct Served {
    server: Arc<Authorization>,
    witness: Witness,
}

/// The paths of the server, below its issuer's URL.
pub fn routes(authorization: Arc<Authorization>, witness: Witness, browsers: &Browsers) -> Router {
    let served = Served {
        server: authorization,
        witness,
    };
    let asked_by_pages = Router::new()
        .route("/.well-known/smart-configuration", get(configuration))
        .route("/jwks", get(key_set))
        .route("/token", post(token))
        .with_state(served.clone());
    // Browsers go there themselves, and no page is to read where they are sent from there.
    let visited = Router::new()
        .route("/launch", get(launch))
        .route("/authorize", get(authorize).post(authorize_posted))
        .with_state(served);
    browsers
        .share(asked_by_pages)
        .merge(visited)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
}

/// Answers with codes or tokens are not to be cached by anybody (RFC 6749, 5.1).
const NO_STORE: [(HeaderName, &str); 2] = [(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")];

fn json(status: StatusCode, body: &Value) -> Response {
    (
        status,
        [(header::CONTENT_TYPE, "application/json")],
        body.to_string(),
    )
        .into_response()
}

fn refuse(problem: &str) -> Response {
    let text = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    (StatusCode::BAD_REQUEST, NO_STORE, text, format!("{problem}\n")).into_response()
}

fn redirect(url: &str) -> Response {
    (StatusCode::FOUND, NO_STORE, [(header::LOCATION, url)]).into_response()
}

async fn configuration(State(served): State<Served>) -> Response {
    json(StatusCode::OK, &served.server.lock().configuration())
}

async fn key_set(State(served): State<Served>) -> Response {
    json(StatusCode::OK, &served.server.lock().key_set())
}

async fn launch(State(served): State<Served>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let parameters = match Parameters::parse(query.as_bytes()) {
        Ok(parameters) => parameters,
        Err(problem) => return refuse(&problem),
    };
    let Some(app) = parameters.get("app") else {
        return refuse("app is required and is missing: the URL at which the application is launched");
    };
    match served
        .server
        .lock()
        .launch(app, parameters.get("topic"), Timestamp::now())
    {
        Ok(url) => redirect(url.as_str()),
        Err(problem) => refuse(&problem),
    }
}

async fn authorize(State(served): State<Served>, RawQuery(query): RawQuery) -> Response {
    answer_authorization(&served, query.unwrap_or_default().as_bytes())
}

async fn authorize_posted(State(served): State<Served>, body: Bytes) -> Response {
    answer_authorization(&served, &body)
}

fn answer_authorization(served: &Served, parameters: &[u8]) -> Response {
    if let Some(asked) = asked(parameters) {
        (served.witness)(asked);
    }
    match served.server.lock().authorize(parameters, Timestamp::now()) {
        AuthorizationAnswer::Redirect(url) => redirect(url.as_str()),
        AuthorizationAnswer::Refused(problem) => refuse(&problem),
    }
}

async fn token(State(served): State<Served>, headers: HeaderMap, body: Bytes) -> Response {
    let form = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| {
            value
                .to_ascii_lowercase()
                .starts_with("application/x-www-form-urlencoded")
        });
    // Bytes that are no text are no credentials.
    let header = headers
        .get(header::AUTHORIZATION)
        .map(|value| value.to_str().unwrap_or_default());
    let answer = if form {
        served.server.lock().token(&body, header, Timestamp::now())
    } else {
        let told = "Content-Type must be application/x-www-form-urlencoded (RFC 6749, 4.1.3)";
        TokenAnswer::Refused(OAuthError::malformed(told))
    };
    let answer = match answer {
        TokenAnswer::Granted(grant) => {
            (served.witness)(granted(&grant));
            json(StatusCode::OK, &grant.answer)
        }
        TokenAnswer::Issued(answer) => json(StatusCode::OK, &answer),
        // Who did not show who it is is told how it can (RFC 6749, 5.2).
        TokenAnswer::Refused(error) if error.error == "invalid_client" => {
            let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"castspec\"")];
            (challenge, json(StatusCode::UNAUTHORIZED, &error.to_json())).into_response()
        }
        TokenAnswer::Refused(error) => json(StatusCode::BAD_REQUEST, &error.to_json()),
    };
    (NO_STORE, answer).into_response()
}
