//! The authorization server and the hub that demands its tokens, over real sockets: launched by the oauth2 crate, and used
//! as applications do.

use std::time::Duration;

use crate::hub_support::Hub;
use castspec_fhircast::protocol::{Scopes, Version};
use castspec_hub::authorization::{Client as Registered, Options};
use castspec_hub::{Defect, Settings, Transport};
use jiff::SignedDuration;
use oauth2::basic::{BasicErrorResponseType, BasicTokenType};
use oauth2::{
    AuthUrl, AuthorizationCode, Client, ClientId, CsrfToken, EndpointNotSet, EndpointSet, ExtraTokenFields,
    HttpRequest, HttpResponse, PkceCodeChallenge, RedirectUrl, RefreshToken, Scope, StandardErrorResponse,
    StandardRevocableToken, StandardTokenIntrospectionResponse, StandardTokenResponse, TokenResponse,
    TokenUrl,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const REDIRECT: &str = "http://127.0.0.1:9/back";

/// What a SMART launch brings beside the token.
#[derive(Debug, Serialize, Deserialize)]
struct LaunchParameters {
    #[serde(rename = "hub.url")]
    hub_url: String,
    #[serde(rename = "hub.topic")]
    hub_topic: String,
    id_token: Option<String>,
}

impl ExtraTokenFields for LaunchParameters {}

type Granted = StandardTokenResponse<LaunchParameters, BasicTokenType>;
type SmartClient = Client<
    StandardErrorResponse<BasicErrorResponseType>,
    Granted,
    StandardTokenIntrospectionResponse<LaunchParameters, BasicTokenType>,
    StandardRevocableToken,
    StandardErrorResponse<oauth2::RevocationErrorResponseType>,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

async fn hub(version: Version, lifetime: Duration) -> Hub {
    deviating(version, lifetime, &[]).await
}

async fn deviating(version: Version, lifetime: Duration, defects: &[Defect]) -> Hub {
    let settings = Settings {
        version,
        defects: defects.to_vec(),
        authorization: Some(Options {
            lifetime,
            ..Options::default()
        }),
        ..Settings::default()
    };
    Hub::start(settings, Transport::Tls).await
}

fn origin(hub: &Hub) -> String {
    hub.url().strip_suffix("/fhircast").unwrap().to_owned()
}

/// The client of an application that knows nothing but the issuer.
async fn client(hub: &Hub, issuer: &str) -> SmartClient {
    let document = format!("{issuer}/.well-known/smart-configuration");
    let document: Value = hub.http.get(document).send().await.unwrap().json().await.unwrap();
    assert_eq!(document["code_challenge_methods_supported"], json!(["S256"]));
    let at = |name: &str| document[name].as_str().unwrap().to_owned();
    Client::new(ClientId::new("viewer".to_owned()))
        .set_auth_type(oauth2::AuthType::RequestBody)
        .set_auth_uri(AuthUrl::new(at("authorization_endpoint")).unwrap())
        .set_token_uri(TokenUrl::new(at("token_endpoint")).unwrap())
        .set_redirect_uri(RedirectUrl::new(REDIRECT.to_owned()).unwrap())
}

/// A client that stops where it is redirected to, as the authorization endpoint sends browsers to the application.
fn browser(hub: &Hub) -> reqwest::Client {
    let pem = hub.server.authority_pem().unwrap();
    reqwest::Client::builder()
        .tls_backend_rustls()
        .tls_certs_only([reqwest::Certificate::from_pem(pem.as_bytes()).unwrap()])
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

async fn redirected(hub: &Hub, url: impl reqwest::IntoUrl) -> url::Url {
    let answer = browser(hub).get(url).send().await.unwrap();
    assert_eq!(answer.status(), 302);
    answer.headers()["location"].to_str().unwrap().parse().unwrap()
}

fn parameter(url: &url::Url, name: &str) -> String {
    let found = url.query_pairs().find(|(key, _)| key == name);
    found.unwrap_or_else(|| panic!("{name} in {url}")).1.into_owned()
}

/// How the oauth2 crate reaches the server.
async fn exchange(http: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, reqwest::Error> {
    let (parts, body) = request.into_parts();
    let answer = http
        .request(parts.method, parts.uri.to_string())
        .headers(parts.headers)
        .body(body)
        .send()
        .await?;
    let mut response = http::Response::builder().status(answer.status());
    response.headers_mut().unwrap().extend(answer.headers().clone());
    Ok(response.body(answer.bytes().await?.to_vec()).unwrap())
}

/// The whole way from the issuer, and the launch where there is one, to the token.
async fn authorize(hub: &Hub, issuer: &str, scopes: &[&str], launch: Option<&str>) -> Granted {
    let client = client(hub, issuer).await;
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let mut request = client
        .authorize_url(CsrfToken::new_random)
        .add_extra_param("aud", issuer)
        .set_pkce_challenge(challenge);
    for scope in scopes {
        request = request.add_scope(Scope::new((*scope).to_owned()));
    }
    if let Some(launch) = launch {
        request = request.add_extra_param("launch", launch);
    }
    let (url, state) = request.url();
    let back = redirected(hub, url).await;
    assert!(back.as_str().starts_with(REDIRECT), "{back}");
    assert_eq!(parameter(&back, "state"), *state.secret());
    let code = AuthorizationCode::new(parameter(&back, "code"));
    let http = |request| exchange(hub.http.clone(), request);
    client
        .exchange_code(code)
        .set_pkce_verifier(verifier)
        .request_async(&http)
        .await
        .unwrap()
}

struct Answer {
    status: u16,
    challenge: Option<String>,
    body: String,
}

impl Answer {
    async fn to(request: reqwest::RequestBuilder, token: Option<&str>) -> Self {
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let answer = request.send().await.unwrap();
        let challenge = answer.headers().get("www-authenticate");
        Self {
            status: answer.status().as_u16(),
            challenge: challenge.map(|value| value.to_str().unwrap().to_owned()),
            body: answer.text().await.unwrap(),
        }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// Refused so, with a challenge that holds this.
    fn refused(&self, status: u16, says: &str) {
        assert_eq!(self.status, status, "{}", self.body);
        let challenge = self.challenge.as_deref().unwrap();
        assert!(challenge.starts_with("Bearer realm="), "{challenge}");
        assert!(challenge.contains(says), "{challenge}");
    }
}

async fn subscribe(hub: &Hub, token: Option<&str>, topic: &str, events: &str, lease: &str) -> Answer {
    let form = [
        ("hub.channel.type", "websocket"),
        ("hub.mode", "subscribe"),
        ("hub.topic", topic),
        ("hub.events", events),
        ("hub.lease_seconds", lease),
    ];
    Answer::to(hub.http.post(hub.url()).form(&form), token).await
}

async fn publish(hub: &Hub, token: Option<&str>, topic: &str, event: &str, id: &str) -> Answer {
    let (resource, key) = match event.split_once('-').unwrap().0 {
        "Patient" => ("Patient", "patient"),
        _ => ("ImagingStudy", "study"),
    };
    let event = json!({
        "timestamp": "2026-01-01T00:00:00.000Z", "id": id,
        "event": {"hub.topic": topic, "hub.event": event, "context": [
            {"key": key, "resource": {"resourceType": resource, "id": "1"}},
        ]},
    });
    Answer::to(hub.http.post(hub.url()).json(&event), token).await
}

fn issue(hub: &Hub, scopes: &str, seconds: i64) -> String {
    let authorization = hub.server.authorization().unwrap();
    let scopes = Scopes::parse(scopes).unwrap();
    let life = SignedDuration::from_secs(seconds);
    authorization.issue("script", scopes, life).unwrap().token
}

#[tokio::test]
async fn an_application_launches_by_itself_refreshes_and_follows_the_session() {
    let hub = hub(Version::Stu3, Duration::from_secs(300)).await;
    let scopes = ["fhircast/Patient-open.*", "openid", "online_access"];
    let granted = authorize(&hub, &origin(&hub), &scopes, None).await;
    let launch = granted.extra_fields();
    assert_eq!(launch.hub_url, hub.url());
    assert!(launch.id_token.is_some());
    assert_eq!(granted.expires_in(), Some(Duration::from_secs(300)));
    assert_eq!(granted.scopes().unwrap().len(), 3);

    let token = granted.access_token().secret().as_str();
    let topic = &launch.hub_topic;
    let accepted = subscribe(&hub, Some(token), topic, "Patient-open", "7200").await;
    assert_eq!(accepted.status, 202, "{}", accepted.body);
    let endpoint = accepted.json()["hub.channel.endpoint"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut socket = hub.connect(&endpoint).await.unwrap();
    let confirmation = socket.next().await;
    let lease = confirmation["hub.lease_seconds"].as_u64().unwrap();
    assert!((200..=300).contains(&lease), "no longer than the token: {lease}");
    let published = publish(&hub, Some(token), topic, "Patient-open", "e1").await;
    assert_eq!(published.status, 202, "{}", published.body);
    assert_eq!(socket.next().await["id"], "e1");

    let refresh = RefreshToken::new(granted.refresh_token().unwrap().secret().clone());
    let client = client(&hub, &origin(&hub)).await;
    let http = |request| exchange(hub.http.clone(), request);
    let again = client
        .exchange_refresh_token(&refresh)
        .request_async(&http)
        .await
        .unwrap();
    assert_ne!(again.access_token().secret(), granted.access_token().secret());
    assert_eq!(again.extra_fields().hub_topic, *topic, "the same session");
    assert!(
        client
            .exchange_refresh_token(&refresh)
            .request_async(&http)
            .await
            .is_err(),
        "used"
    );
    for token in [granted.access_token().secret(), again.access_token().secret()] {
        let revoked = publish(&hub, Some(token), topic, "Patient-open", "e2").await;
        revoked.refused(401, "it has been revoked");
    }
}

#[tokio::test]
async fn a_token_of_a_launch_is_for_its_topic() {
    let hub = hub(Version::Stu3, Duration::from_secs(300)).await;
    let granted = authorize(&hub, &origin(&hub), &["fhircast/*.*"], None).await;
    let token = Some(granted.access_token().secret().as_str());
    let own = granted.extra_fields().hub_topic.as_str();
    assert_eq!(
        subscribe(&hub, token, own, "Patient-open", "60").await.status,
        202
    );
    let current = |topic: &str| hub.http.get(format!("{}/{topic}", hub.url()));
    assert_eq!(Answer::to(current(own), token).await.status, 200);
    for refused in [
        subscribe(&hub, token, "other", "Patient-open", "60").await,
        publish(&hub, token, "other", "Patient-open", "e").await,
        Answer::to(current("other"), token).await,
    ] {
        refused.refused(403, "insufficient_scope");
        assert!(refused.body.contains("hub.topic"), "{}", refused.body);
    }
    let script = issue(&hub, "fhircast/*.*", 300);
    let accepted = publish(&hub, Some(&script), "other", "Patient-open", "e").await;
    assert_eq!(accepted.status, 202, "a token of no launch is for all");
}

#[tokio::test]
async fn a_script_with_a_secret_asks_for_its_token_itself() {
    let settings = Settings {
        authorization: Some(Options {
            client: Some(Registered::new("night-script", "s3cret/+").unwrap()),
            ..Options::default()
        }),
        ..Settings::default()
    };
    let hub = Hub::start(settings, Transport::Tls).await;
    for kind in [oauth2::AuthType::BasicAuth, oauth2::AuthType::RequestBody] {
        let script = |secret: &str| {
            oauth2::basic::BasicClient::new(ClientId::new("night-script".to_owned()))
                .set_client_secret(oauth2::ClientSecret::new(secret.to_owned()))
                .set_auth_type(kind.clone())
                .set_token_uri(TokenUrl::new(format!("{}/token", origin(&hub))).unwrap())
        };
        let http = |request| exchange(hub.http.clone(), request);
        let granted = script("s3cret/+")
            .exchange_client_credentials()
            .add_scope(Scope::new("fhircast/Patient-open.*".to_owned()))
            .request_async(&http)
            .await
            .unwrap();
        let token = Some(granted.access_token().secret().as_str());
        assert_eq!(
            publish(&hub, token, "any", "Patient-open", "e1").await.status,
            202
        );
        let other = publish(&hub, token, "any", "ImagingStudy-open", "e2").await;
        other.refused(403, "insufficient_scope");
        let refused = script("another")
            .exchange_client_credentials()
            .request_async(&http)
            .await;
        let Err(oauth2::RequestTokenError::ServerResponse(refused)) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(*refused.error(), BasicErrorResponseType::InvalidClient);
    }
    let form = [("grant_type", "client_credentials"), ("hub.topic", "own")];
    let asked = hub.http.post(format!("{}/token", origin(&hub))).form(&form);
    let granted = Answer::to(asked.basic_auth("night-script", Some("s3cret/+")), None)
        .await
        .json();
    let token = granted["access_token"].as_str();
    assert_eq!(
        publish(&hub, token, "own", "Patient-open", "e3").await.status,
        202
    );
    publish(&hub, token, "any", "Patient-open", "e4")
        .await
        .refused(403, "insufficient_scope");
    let asked = hub.http.post(format!("{}/token", origin(&hub))).form(&form);
    let refused = Answer::to(asked.basic_auth("night-script", Some("guessed")), None).await;
    assert_eq!(refused.status, 401);
    assert!(refused.challenge.unwrap().starts_with("Basic "));
    assert!(!refused.body.contains("guessed"), "{}", refused.body);
}

#[tokio::test]
async fn an_application_is_launched_into_the_session_of_another() {
    let hub = hub(Version::Stu3, Duration::from_secs(300)).await;
    let mut launching: url::Url = format!("{}/launch", origin(&hub)).parse().unwrap();
    launching
        .query_pairs_mut()
        .append_pair("app", "http://127.0.0.1:9/app")
        .append_pair("topic", "session-7");
    let app = redirected(&hub, launching).await;
    let (issuer, launch) = (parameter(&app, "iss"), parameter(&app, "launch"));
    let granted = authorize(&hub, &issuer, &["launch", "fhircast/*.read"], Some(&launch)).await;
    assert_eq!(granted.extra_fields().hub_topic, "session-7");
    assert!(granted.refresh_token().is_none());
}

#[tokio::test]
async fn without_a_valid_token_nothing_is_done() {
    let hub = hub(Version::Stu3, Duration::from_secs(300)).await;
    let other = self::hub(Version::Stu3, Duration::from_secs(300)).await;
    let expired = issue(&hub, "fhircast/*.*", -1);
    let foreign = issue(&other, "fhircast/*.*", 300);
    for (token, says) in [
        (None, ""),
        (Some(expired.as_str()), "invalid_token"),
        (Some(foreign.as_str()), "invalid_token"),
        (Some("nonsense"), "invalid_token"),
    ] {
        let refused = subscribe(&hub, token, "t", "Patient-open", "60").await;
        refused.refused(401, says);
        assert_eq!(
            refused.challenge.as_deref().unwrap().contains("error"),
            token.is_some()
        );
        assert!(
            token.is_none_or(|token| !refused.body.contains(token)),
            "secrets are not repeated"
        );
        publish(&hub, token, "t", "Patient-open", "e")
            .await
            .refused(401, says);
        let current = hub.http.get(format!("{}/t", hub.url()));
        Answer::to(current, token).await.refused(401, says);
    }
    let basic = hub.http.post(hub.url()).basic_auth("user", Some("password"));
    Answer::to(basic, None).await.refused(401, "");
    let document = format!("{}/.well-known/fhircast-configuration", hub.url());
    assert_eq!(
        Answer::to(hub.http.get(document), None).await.status,
        200,
        "open to all"
    );
}

#[tokio::test]
async fn scopes_bound_what_is_received_and_requested() {
    let hub = hub(Version::Stu3, Duration::from_secs(300)).await;
    let full = issue(&hub, "fhircast/*.*", 300);
    let reads = issue(&hub, "fhircast/patient-open.read", 300);
    let accepted = subscribe(&hub, Some(&reads), "t", "ImagingStudy-open,Patient-open", "60").await;
    assert_eq!(accepted.status, 202, "{}", accepted.body);
    let endpoint = accepted.json()["hub.channel.endpoint"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut socket = hub.connect(&endpoint).await.unwrap();
    assert_eq!(
        socket.next().await["hub.events"],
        "Patient-open",
        "granted in part"
    );
    assert_eq!(
        publish(&hub, Some(&full), "t", "ImagingStudy-open", "hidden")
            .await
            .status,
        202
    );
    let current = || hub.http.get(format!("{}/t", hub.url()));
    let hidden = Answer::to(current(), Some(&reads)).await;
    hidden.refused(403, "scope=\"fhircast/ImagingStudy-open.read\"");
    assert_eq!(
        Answer::to(current(), Some(&full)).await.json()["context.type"],
        "ImagingStudy"
    );
    assert_eq!(
        publish(&hub, Some(&full), "t", "Patient-open", "seen")
            .await
            .status,
        202
    );
    assert_eq!(socket.next().await["id"], "seen", "and nothing before it");
    assert_eq!(Answer::to(current(), Some(&reads)).await.status, 200);

    let refused = publish(&hub, Some(&reads), "t", "Patient-open", "e").await;
    refused.refused(
        403,
        "error=\"insufficient_scope\", scope=\"fhircast/Patient-open.write\"",
    );
    let refused = subscribe(&hub, Some(&reads), "t", "ImagingStudy-open", "60").await;
    refused.refused(403, "insufficient_scope");
    let writes = issue(&hub, "fhircast/*.write", 300);
    let refused = subscribe(&hub, Some(&writes), "t", "Patient-open", "60").await;
    refused.refused(403, "scope=\"fhircast/Patient-open.read\"");
    assert_eq!(
        publish(&hub, Some(&writes), "t", "Patient-open", "e")
            .await
            .status,
        202
    );
}

#[tokio::test]
async fn older_versions_demand_tokens_too() {
    let hub = hub(Version::Stu1, Duration::from_secs(300)).await;
    let form = [
        ("hub.mode", "subscribe"),
        ("hub.callback", "http://127.0.0.1:9/callback"),
        ("hub.secret", "not told"),
        ("hub.topic", "t"),
        ("hub.events", "patient-open"),
    ];
    let request = || hub.http.post(hub.url()).form(&form);
    Answer::to(request(), None).await.refused(401, "");
    let writes = issue(&hub, "fhircast/patient-*.write", 300);
    let refused = Answer::to(request(), Some(&writes)).await;
    refused.refused(403, "scope=\"fhircast/patient-open.read\"");
    assert!(refused.body.contains("STU1"), "{}", refused.body);
    let reads = issue(&hub, "fhircast/patient-*.read", 300);
    assert_eq!(Answer::to(request(), Some(&reads)).await.status, 202);
}

#[tokio::test]
async fn each_defect_lets_in_what_it_says() {
    let life = Duration::from_secs(300);
    let other = hub(Version::Stu2, life).await;
    let foreign = issue(&other, "fhircast/*.*", 300);
    for defect in [
        None,
        Some(Defect::ScopesIgnored),
        Some(Defect::ExpiredTokenTaken),
        Some(Defect::ForeignTokenTaken),
        Some(Defect::TokenNotDemanded),
        Some(Defect::LeaseBeyondToken),
    ] {
        let hub = deviating(Version::Stu2, life, defect.as_slice()).await;
        let expired = issue(&hub, "fhircast/*.*", -1);
        let writes = issue(&hub, "fhircast/*.write", 300);
        for (token, allowing, status) in [
            (Some(writes.as_str()), Defect::ScopesIgnored, 403),
            (Some(expired.as_str()), Defect::ExpiredTokenTaken, 401),
            (Some(foreign.as_str()), Defect::ForeignTokenTaken, 401),
            (None, Defect::TokenNotDemanded, 401),
        ] {
            let status = if defect == Some(allowing) { 202 } else { status };
            let answer = subscribe(&hub, token, "t", "patient-open", "60").await;
            assert_eq!(answer.status, status, "{defect:?}: {}", answer.body);
        }
        let brief = issue(&hub, "fhircast/*.*", 100);
        let accepted = subscribe(&hub, Some(&brief), "t", "patient-open", "7200")
            .await
            .json();
        let mut socket = hub
            .connect(accepted["hub.channel.endpoint"].as_str().unwrap())
            .await
            .unwrap();
        let lease = socket.next().await["hub.lease_seconds"].as_u64().unwrap();
        assert_eq!(
            lease > 100,
            defect == Some(Defect::LeaseBeyondToken),
            "{defect:?}: {lease}"
        );
    }
}
