//! Refresh tokens, and what ends tokens before their time.

use super::*;

#[test]
fn a_code_that_is_used_twice_ends_what_came_of_it() {
    let mut server = server();
    let other = code(&mut server, "fhircast/*.*", at(0));
    let other = redeem(&mut server, &other, &[], at(0)).unwrap();
    let twice = code(&mut server, "fhircast/*.* offline_access", at(0));
    let first = redeem(&mut server, &twice, &[], at(0)).unwrap();
    let second = refresh(&mut server, &text(&first, "refresh_token"), "", at(10)).unwrap();
    assert!(server.admit(&text(&first, "access_token"), at(20)).is_ok());
    assert_eq!(redeem(&mut server, &twice, &[], at(20)), Err("invalid_grant"));
    for answer in [&first, &second] {
        let token = text(answer, "access_token");
        assert_eq!(server.admit(&token, at(20)), Err(TokenProblem::Revoked));
        let token = text(answer, "refresh_token");
        assert_eq!(refresh(&mut server, &token, "", at(20)), Err("invalid_grant"));
    }
    assert!(
        server.admit(&text(&other, "access_token"), at(20)).is_ok(),
        "another launch"
    );
}

#[test]
fn a_refresh_narrows_the_access_token_alone() {
    let mut server = server();
    let code = code(&mut server, "fhircast/*.* openid online_access", at(0));
    let first = redeem(&mut server, &code, &[], at(0)).unwrap();
    let narrow = "fhircast/Patient-open.read";
    let second = refresh(&mut server, &text(&first, "refresh_token"), narrow, at(4_000)).unwrap();
    assert_eq!(second["scope"], narrow);
    assert!(second.get("id_token").is_none(), "not asked for");
    assert_eq!(second["hub.topic"], first["hub.topic"]);
    let grant = server.admit(&text(&second, "access_token"), at(4_000)).unwrap();
    assert_eq!(grant.scopes.to_string(), narrow);
    assert_eq!(grant.topic.as_deref(), first["hub.topic"].as_str());
    let third = refresh(&mut server, &text(&second, "refresh_token"), "", at(8_000)).unwrap();
    assert_eq!(
        third["scope"], "openid online_access fhircast/*.*",
        "all of it again"
    );
    assert!(third["id_token"].is_string());
}

#[test]
fn a_refused_refresh_uses_nothing_up() {
    let mut server = server();
    let code = code(&mut server, "fhircast/*.read offline_access", at(0));
    let first = redeem(&mut server, &code, &[], at(0)).unwrap();
    let token = text(&first, "refresh_token");
    for (scope, error) in [
        ("fhircast/*.write", "invalid_scope"),
        ("fhircast/*.*", "invalid_scope"),
        ("fhircast/*.read openid", "invalid_scope"),
        ("offline_access", "invalid_scope"),
        ("fhircast/Patient-open.rw", "invalid_scope"),
    ] {
        assert_eq!(refresh(&mut server, &token, scope, at(1)), Err(error), "{scope}");
    }
    let other = form(&[
        ("grant_type", "refresh_token"),
        ("client_id", "other"),
        ("refresh_token", &token),
    ]);
    assert_eq!(answer(server.token(&other, None, at(1))), Err("invalid_grant"));
    for unknown in ["", "guessed", "guessed.guessed"] {
        let refused = refresh(&mut server, unknown, "", at(1));
        assert!(refused.is_err(), "{unknown}");
    }
    assert!(server.admit(&text(&first, "access_token"), at(1)).is_ok());
    assert!(refresh(&mut server, &token, "", at(1)).is_ok());
}

#[test]
fn a_refresh_token_that_is_used_again_ends_its_family() {
    let mut server = server();
    let others = code(&mut server, "fhircast/*.* offline_access", at(0));
    let others = redeem(&mut server, &others, &[], at(0)).unwrap();
    let code = code(&mut server, "fhircast/*.* offline_access", at(0));
    let first = redeem(&mut server, &code, &[], at(0)).unwrap();
    let second = refresh(&mut server, &text(&first, "refresh_token"), "", at(1)).unwrap();
    assert_ne!(second["access_token"], first["access_token"]);
    let third = refresh(&mut server, &text(&second, "refresh_token"), "", at(2)).unwrap();
    assert_eq!(
        refresh(&mut server, &text(&first, "refresh_token"), "", at(3)),
        Err("invalid_grant")
    );
    assert_eq!(
        refresh(&mut server, &text(&third, "refresh_token"), "", at(3)),
        Err("invalid_grant"),
        "the last one too"
    );
    for answer in [&first, &second, &third] {
        let token = text(answer, "access_token");
        assert_eq!(server.admit(&token, at(3)), Err(TokenProblem::Revoked));
    }
    assert!(server.admit(&text(&others, "access_token"), at(3)).is_ok());
    let late = text(&others, "refresh_token");
    assert_eq!(
        refresh(&mut server, &late, "", at(86_400)),
        Err("invalid_grant"),
        "a day"
    );
}
