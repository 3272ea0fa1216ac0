//! Scopes and leases of subscriptions by token.

use jiff::SignedDuration;

use super::*;
use crate::Admission;
use crate::authorization::Grant;
use crate::protocol::Scopes;

impl Desk {
    /// By a token with these scopes that lives for so many seconds from now.
    fn admission(&self, scopes: &str, seconds: i64) -> Admission {
        let grant = Grant {
            client: "viewer".to_owned(),
            scopes: Scopes::parse(scopes).unwrap(),
            expires: self.now().wall + SignedDuration::from_secs(seconds),
            launch: None,
            topic: None,
        };
        Admission::by(grant, true)
    }

    fn request_as(
        &mut self,
        request: &SubscriptionRequest,
        admission: &Admission,
    ) -> Result<String, Refusal> {
        let now = self.now();
        let segment = request.endpoint.clone();
        let answer = self
            .session
            .request_as(request, segment.as_deref(), admission, now);
        self.drain();
        answer.map(|endpoint| endpoint.to_string())
    }
}

#[test]
fn the_lease_ends_no_later_than_the_token() {
    let mut desk = Desk::new();
    for (asked, life, waited, granted) in [
        (None, 600, 0.0, 600),
        (Some(60), 600, 0.0, 60),
        (Some(700), 600, 0.0, 600),
        (Some(700), 600, 30.5, 569),
    ] {
        let mut request = subscription("Patient-open");
        request.lease_seconds = asked;
        let admission = desk.admission("fhircast/*.read", life);
        let endpoint = desk.request_as(&request, &admission).unwrap();
        desk.wait(waited);
        let id = desk.connect(&endpoint).unwrap();
        let lease = desk.only(id)["hub.lease_seconds"].clone();
        assert_eq!(lease, granted, "{asked:?} of {life} after {waited} s");
    }
}

#[test]
fn an_endpoint_dies_with_the_token() {
    let mut desk = Desk::new();
    let admission = desk.admission("fhircast/*.read", 10);
    let endpoint = desk
        .request_as(&subscription("Patient-open"), &admission)
        .unwrap();
    desk.wait(10.0);
    assert_eq!(desk.connect(&endpoint).unwrap_err().status, 404);
}

#[test]
fn a_new_token_brings_a_new_lease_and_its_own_scopes() {
    let mut desk = Desk::new();
    let first = desk.admission("fhircast/*.read", 100);
    let mut request = subscription("Patient-open,Patient-close");
    let endpoint = desk.request_as(&request, &first).unwrap();
    let id = desk.connect(&endpoint).unwrap();
    assert_eq!(desk.only(id)["hub.lease_seconds"], 100);
    desk.wait(90.0);
    request.endpoint = Some(endpoint);
    let second = desk.admission("fhircast/patient-close.*", 100);
    desk.request_as(&request, &second).unwrap();
    let confirmation = desk.only(id);
    assert_eq!(confirmation["hub.lease_seconds"], 100);
    assert_eq!(confirmation["hub.events"], "Patient-close");
    desk.publish(&patient_open("e", "p")).unwrap();
    assert!(desk.frames(id).is_empty(), "no longer authorized");
    let refused = desk.request_as(&request, &desk.admission("fhircast/*.write", 100));
    assert_eq!(refused.unwrap_err().status, 403);
    desk.wait(99.0);
    assert!(desk.ended.is_empty(), "the lease goes on");
    desk.wait(1.0);
    assert_eq!(desk.ended, [id]);
}

#[test]
fn the_replay_holds_nothing_that_may_not_be_received() {
    let mut desk = Desk::new();
    desk.publish(&patient_open("e", "p")).unwrap();
    let admission = desk.admission("fhircast/Encounter-open.read", 100);
    let endpoint = desk
        .request_as(&subscription("Patient-open,Encounter-open"), &admission)
        .unwrap();
    let id = desk.connect(&endpoint).unwrap();
    assert_eq!(desk.only(id)["hub.events"], "Encounter-open");
}

#[test]
fn the_lease_of_a_callback_ends_no_later_than_the_token() {
    for (defects, granted) in [(&[][..], "100"), (&[Defect::LeaseBeyondToken], "7200")] {
        let mut desk = Desk::speaking(Version::Stu2, defects);
        let admission = desk.admission("fhircast/patient-*.read", 100);
        let request = webhook("http://app.example.com/c", "patient-open,syncerror");
        let now = desk.now();
        desk.session
            .request_webhook_as(&request, &admission, now)
            .unwrap();
        desk.drain();
        let (_, call) = desk.only_call();
        assert_eq!(parameter(&call, "hub.lease_seconds").as_deref(), Some(granted));
        assert_eq!(parameter(&call, "hub.events").as_deref(), Some("patient-open"));
    }
}
