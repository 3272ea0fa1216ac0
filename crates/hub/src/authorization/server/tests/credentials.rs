//! Clients with a secret.

use base64::prelude::BASE64_STANDARD;

use super::*;

/// What a client with a secret gets, with a form of its own and a header of its own.
fn credentials(
    server: &mut AuthorizationServer,
    pairs: &[(&str, &str)],
    header: Option<&str>,
) -> Result<Value, &'static str> {
    let mut form = form(pairs);
    form.extend(b"&grant_type=client_credentials");
    answer(server.token(&form, header, at(0)))
}

fn basic(credentials: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(credentials))
}

fn with_client() -> AuthorizationServer {
    let client = Client::new("night script", "s3cret+ 100%").unwrap();
    server_with(Options {
        client: Some(client),
        ..Options::default()
    })
}

#[test]
fn a_client_with_a_secret_is_given_a_token_of_its_own() {
    let secret = ("client_secret", "s3cret+ 100%");
    let id = ("client_id", "night script");
    let encoded = basic("night+script:s3cret%2B+100%25");
    let raw = basic("night script:s3cret+ 100%");
    let unpadded = raw.trim_end_matches('=').replace("Basic", "basic");
    let read = ("scope", "openid launch fhircast/Patient-open.read patient/*.rs");
    let topic = ("hub.topic", "t-1");
    for (pairs, header, scope, for_topic) in [
        (vec![id, secret], None, "fhircast/*.*", None),
        (vec![id, secret, read], None, "fhircast/Patient-open.read", None),
        (vec![], Some(&encoded), "fhircast/*.*", None),
        (vec![id, topic], Some(&encoded), "fhircast/*.*", Some("t-1")),
        (vec![read], Some(&raw), "fhircast/Patient-open.read", None),
        (vec![], Some(&unpadded), "fhircast/*.*", None),
    ] {
        let mut server = with_client();
        let granted = credentials(&mut server, &pairs, header.map(String::as_str)).unwrap();
        assert_eq!(granted["scope"], scope, "{pairs:?}");
        assert_eq!(
            (&granted["hub.url"], &granted["expires_in"]),
            (&json!(HUB), &json!(3_600))
        );
        assert_eq!(granted.get("hub.topic").and_then(Value::as_str), for_topic);
        assert!(granted.get("refresh_token").is_none() && granted.get("id_token").is_none());
        let grant = server.admit(&text(&granted, "access_token"), at(0)).unwrap();
        assert_eq!(grant.client, "night script");
        assert_eq!((grant.launch, grant.topic.as_deref()), (None, for_topic));
    }
}

#[test]
fn without_its_secret_a_client_is_given_nothing() {
    let id = ("client_id", "night script");
    let secret = ("client_secret", "s3cret+ 100%");
    let right = basic("night script:s3cret+ 100%");
    for (pairs, header, error) in [
        (vec![], None, "invalid_request"),
        (vec![id], None, "invalid_client"),
        (
            vec![id, ("client_secret", "s3cret%2B 100%")],
            None,
            "invalid_client",
        ),
        (vec![("client_id", "other"), secret], None, "invalid_client"),
        (vec![], Some(basic("night script:")), "invalid_client"),
        (vec![], Some(basic("night script")), "invalid_client"),
        (vec![], Some(basic(":s3cret+ 100%")), "invalid_client"),
        (vec![], Some("Basic nonsense!".to_owned()), "invalid_client"),
        (vec![secret], Some(right.clone()), "invalid_request"),
        (
            vec![("client_id", "other")],
            Some(right.clone()),
            "invalid_request",
        ),
        (vec![("scope", "openid")], Some(right), "invalid_scope"),
    ] {
        let refused = credentials(&mut with_client(), &pairs, header.as_deref());
        assert_eq!(refused, Err(error), "{pairs:?} {header:?}");
    }
    let nobody = credentials(&mut server(), &[id, secret], None);
    assert_eq!(nobody, Err("unauthorized_client"));
    let listed = |server: &AuthorizationServer, name: &str| server.configuration()[name].to_string();
    for (name, word) in [
        ("grant_types_supported", "client_credentials"),
        ("token_endpoint_auth_methods_supported", "client_secret_basic"),
        ("token_endpoint_auth_methods_supported", "client_secret_post"),
        ("capabilities", "client-confidential-symmetric"),
    ] {
        assert!(listed(&with_client(), name).contains(word), "{name}");
        assert!(!listed(&server(), name).contains(word), "{name}");
    }
}

#[test]
fn a_client_with_a_secret_shows_it_for_its_codes_too() {
    let mut server = with_client();
    let query = asked("fhircast/*.* offline_access", &[("client_id", "night script")]);
    let code = parameter(&server.authorize(&query, at(0)), "code").unwrap();
    let named = ("client_id", "night script");
    assert_eq!(redeem(&mut server, &code, &[named], at(0)), Err("invalid_client"));
    let shown = [named, ("client_secret", "s3cret+ 100%")];
    let granted = redeem(&mut server, &code, &shown, at(0)).unwrap();
    let pairs = [
        ("grant_type", "refresh_token"),
        ("refresh_token", granted["refresh_token"].as_str().unwrap()),
    ];
    let header = basic("night script:s3cret+ 100%");
    assert!(answer(server.token(&form(&pairs), Some(&header), at(0))).is_ok());
    let public = self::code(&mut server, "fhircast/*.*", at(0));
    assert!(
        redeem(&mut server, &public, &[], at(0)).is_ok(),
        "others are public as before"
    );
}
