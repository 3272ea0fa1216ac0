mod credentials;
mod endings;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::*;
use crate::authorization::{AuthorizationAnswer, TokenAnswer};

const ISSUER: &str = "https://127.0.0.1:1";
const HUB: &str = "https://127.0.0.1:1/fhircast";
/// The example of RFC 7636, Appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const REDIRECT: &str = "http://127.0.0.1:9/back";

fn server() -> AuthorizationServer {
    server_with(Options::default())
}

fn server_with(options: Options) -> AuthorizationServer {
    let mut counted = 0;
    let secrets = move || {
        counted += 1;
        format!("secret-{counted}")
    };
    AuthorizationServer::new(ISSUER, HUB, &options, Box::new(secrets)).unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_000_000 + second).unwrap()
}

fn form(pairs: &[(&str, &str)]) -> Vec<u8> {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(pairs.iter().filter(|(_, value)| !value.is_empty()));
    form.finish().into_bytes()
}

fn asked<'a>(scope: &'a str, changes: &[(&'a str, &'a str)]) -> Vec<u8> {
    let mut pairs = vec![
        ("response_type", "code"),
        ("client_id", "viewer"),
        ("redirect_uri", REDIRECT),
        ("scope", scope),
        ("state", "s&1"),
        ("aud", ISSUER),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    for (name, value) in changes {
        pairs.retain(|(parameter, _)| parameter != name);
        pairs.push((name, value));
    }
    form(&pairs)
}

fn parameter(answer: &AuthorizationAnswer, name: &str) -> Option<String> {
    let AuthorizationAnswer::Redirect(url) = answer else {
        panic!("{answer:?}");
    };
    let found = url.query_pairs().find(|(parameter, _)| parameter == name);
    found.map(|(_, value)| value.into_owned())
}

fn code(server: &mut AuthorizationServer, scope: &str, now: Timestamp) -> String {
    let answer = server.authorize(&asked(scope, &[]), now);
    assert_eq!(parameter(&answer, "state").as_deref(), Some("s&1"));
    parameter(&answer, "code").unwrap_or_else(|| panic!("{answer:?}"))
}

fn redeem(
    server: &mut AuthorizationServer,
    code: &str,
    changes: &[(&str, &str)],
    now: Timestamp,
) -> Result<Value, &'static str> {
    let mut pairs = vec![
        ("grant_type", "authorization_code"),
        ("client_id", "viewer"),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    for (name, value) in changes {
        pairs.retain(|(parameter, _)| parameter != name);
        pairs.push((name, value));
    }
    answer(server.token(&form(&pairs), None, now))
}

fn refresh(
    server: &mut AuthorizationServer,
    token: &str,
    scope: &str,
    now: Timestamp,
) -> Result<Value, &'static str> {
    let pairs = [
        ("grant_type", "refresh_token"),
        ("client_id", "viewer"),
        ("refresh_token", token),
        ("scope", scope),
    ];
    answer(server.token(&form(&pairs), None, now))
}

fn answer(answer: TokenAnswer) -> Result<Value, &'static str> {
    match answer {
        TokenAnswer::Granted(granted) => Ok(granted.answer),
        TokenAnswer::Issued(answer) => Ok(answer),
        TokenAnswer::Refused(error) => {
            assert!(!error.description.is_empty());
            Err(error.error)
        }
    }
}

#[test]
fn a_standalone_launch_ends_with_a_token_and_the_session() {
    let mut server = server();
    let scope = "fhircast/Patient-open.read openid fhirUser patient/*.rs";
    let code = code(&mut server, scope, at(0));
    let granted = redeem(&mut server, &code, &[], at(1)).unwrap();
    assert_eq!(granted["token_type"], "Bearer");
    assert_eq!(granted["expires_in"], 3_600);
    assert_eq!(
        granted["scope"], "openid fhirUser fhircast/Patient-open.read",
        "what it knows"
    );
    assert_eq!(granted["hub.url"], HUB);
    assert_eq!(granted["hub.topic"], "secret-1");
    assert!(granted["id_token"].is_string());
    assert!(granted.get("refresh_token").is_none(), "nobody asked for one");
    let token = granted["access_token"].as_str().unwrap();
    let grant = server.admit(token, at(3_600)).unwrap();
    assert_eq!((grant.client.as_str(), grant.expires), ("viewer", at(3_601)));
    assert_eq!(
        server.admit(token, at(3_601)),
        Err(TokenProblem::Expired(at(3_601)))
    );
    assert_eq!(server.admit("anything", at(0)), Err(TokenProblem::Foreign));
    let foreign = self::server().admit(token, at(0));
    assert_eq!(foreign, Err(TokenProblem::Foreign), "another server's key");
    let id_token = granted["id_token"].as_str().unwrap();
    assert_eq!(
        server.admit(id_token, at(0)),
        Err(TokenProblem::Foreign),
        "no access token"
    );
}

#[test]
fn an_ehr_launch_joins_its_topic_once() {
    let mut server = server();
    let app = "http://localhost:9/launch?x=1";
    let url = server.launch(app, Some("topic-7"), at(0)).unwrap();
    let pairs: Vec<_> = url.query_pairs().collect();
    assert_eq!((&*pairs[0].0, &*pairs[1].1), ("x", ISSUER));
    let launch = pairs[2].1.clone();
    let query = asked("launch fhircast/*.*", &[("launch", &launch)]);
    let answer = server.authorize(&query, at(299));
    let code = parameter(&answer, "code").unwrap();
    assert_eq!(
        redeem(&mut server, &code, &[], at(300)).unwrap()["hub.topic"],
        "topic-7"
    );
    assert_eq!(
        parameter(&server.authorize(&query, at(300)), "error").unwrap(),
        "invalid_request"
    );
    let late = server.launch(app, None, at(0)).unwrap();
    let late = late.query_pairs().last().unwrap().1.into_owned();
    let query = asked("launch fhircast/*.*", &[("launch", &late)]);
    assert_eq!(
        parameter(&server.authorize(&query, at(300)), "error").unwrap(),
        "invalid_request"
    );
    assert!(
        server.launch("http://example.com/", None, at(0)).is_err(),
        "without TLS"
    );
}

#[test]
fn requests_that_break_a_rule_come_back_with_an_error() {
    for (changes, error) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("state", ""), "invalid_request"),
        (("aud", "https://elsewhere.example.com"), "invalid_request"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge", VERIFIER.get(..20).unwrap()), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("code_challenge_method", ""), "invalid_request"),
        (("scope", "openid"), "invalid_scope"),
        (("scope", "fhircast/Patient-open.rw"), "invalid_scope"),
        (("scope", "launch fhircast/*.read"), "invalid_request"),
        (("launch", "x"), "invalid_scope"),
    ] {
        let answer = server().authorize(&asked("fhircast/*.read", &[changes]), at(0));
        assert_eq!(parameter(&answer, "error").as_deref(), Some(error), "{changes:?}");
        assert_eq!(parameter(&answer, "code"), None);
    }
    for changes in [
        ("client_id", ""),
        ("redirect_uri", ""),
        ("redirect_uri", "http://example.com/back"),
        ("redirect_uri", "vbscript:msgbox(1)"),
        ("redirect_uri", "https://example.com/#x"),
    ] {
        let answer = server().authorize(&asked("fhircast/*.read", &[changes]), at(0));
        assert!(matches!(answer, AuthorizationAnswer::Refused(_)), "{changes:?}");
    }
}

#[test]
fn a_code_is_good_once_for_a_minute_and_for_its_own_client() {
    for (changes, error) in [
        (("client_id", "other"), "invalid_grant"),
        (("client_id", ""), "invalid_request"),
        (("redirect_uri", "http://127.0.0.1:9/other"), "invalid_grant"),
        (("redirect_uri", "http://127.0.0.1:09/back"), "invalid_grant"),
        (("code_verifier", CHALLENGE), "invalid_grant"),
        (("code_verifier", "guessed"), "invalid_request"),
        (("code_verifier", ""), "invalid_request"),
        (("code", "guessed"), "invalid_grant"),
        (("grant_type", "password"), "unsupported_grant_type"),
    ] {
        let mut server = server();
        let code = code(&mut server, "fhircast/*.*", at(0));
        assert_eq!(
            redeem(&mut server, &code, &[changes], at(0)),
            Err(error),
            "{changes:?}"
        );
        assert!(
            redeem(&mut server, &code, &[], at(59)).is_ok(),
            "{changes:?} has used it up"
        );
    }
    let mut server = server();
    let late = code(&mut server, "fhircast/*.*", at(0));
    assert_eq!(redeem(&mut server, &late, &[], at(60)), Err("invalid_grant"));
}

#[test]
fn a_verifier_has_the_form_of_rfc_7636() {
    for (verifier, is_one) in [
        ("x".repeat(42), false),
        ("x".repeat(43), true),
        ("x".repeat(128), true),
        ("x".repeat(129), false),
        (format!("{}-._~09AZaz", "x".repeat(40)), true),
        (format!("{}+", "x".repeat(43)), false),
        (format!("{}ü", "x".repeat(43)), false),
    ] {
        let mut server = server();
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
        let query = asked("fhircast/*.*", &[("code_challenge", &challenge)]);
        let code = parameter(&server.authorize(&query, at(0)), "code").unwrap();
        let redeemed = redeem(&mut server, &code, &[("code_verifier", &verifier)], at(0));
        assert_eq!(redeemed.is_ok(), is_one, "{verifier}: {redeemed:?}");
    }
}

#[test]
fn a_redirect_is_compared_as_it_was_written() {
    for written in [
        "HTTP://127.0.0.1:9/back",
        "http://127.0.0.1:9/a/../back",
        "https://example.com",
    ] {
        let mut server = server();
        let query = asked("fhircast/*.*", &[("redirect_uri", written)]);
        let code = parameter(&server.authorize(&query, at(0)), "code").unwrap();
        let normal = url::Url::parse(written).unwrap();
        let other = redeem(&mut server, &code, &[("redirect_uri", normal.as_str())], at(0));
        assert_eq!(other, Err("invalid_grant"), "{written}");
        assert!(redeem(&mut server, &code, &[("redirect_uri", written)], at(0)).is_ok());
    }
}

fn text(answer: &Value, name: &str) -> String {
    answer[name]
        .as_str()
        .unwrap_or_else(|| panic!("{name}"))
        .to_owned()
}

#[test]
fn nothing_secret_is_shown() {
    let mut server = server();
    let scopes = Scopes::parse("fhircast/*.*").unwrap();
    let issued = server
        .issue("script", scopes, SignedDuration::from_secs(-1), at(0))
        .unwrap();
    assert!(matches!(
        server.admit(&issued.token, at(0)),
        Err(TokenProblem::Expired(_))
    ));
    assert!(!format!("{issued:?} {server:?}").contains(&issued.token));
}
