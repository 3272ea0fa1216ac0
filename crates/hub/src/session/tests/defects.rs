//! Every defect of the heart shows in what comes out of it, and only that.

use serde_json::json;

use super::*;

/// What only the shell does, and `tests/hub_defects.rs` looks at.
pub(super) const SHELL: &[Defect] = &[
    Defect::EndpointPlaintext,
    Defect::ServesPlaintext,
    Defect::SubscribeRedirected,
    Defect::ResponseAsArray,
    Defect::RefusalAsHtml,
    Defect::RefusedResubscriptionApplied,
    Defect::RepeatedEventsKept,
    Defect::UnsubscribeRedirected,
    Defect::UnsubscribeResponseAsArray,
    Defect::ConfigurationAsArray,
    Defect::ConfigurationStrangeEvents,
    Defect::ConfigurationFlagsContradict,
    Defect::ConfigurationCurrentAsText,
    Defect::ConfigurationUpdatesAsText,
    Defect::CurrentWrongType,
    Defect::CurrentVersionRenewed,
    Defect::CurrentAsArray,
    Defect::CurrentNotJson,
    Defect::CurrentContextAltered,
    Defect::CurrentPatientRenamed,
    Defect::CurrentEntryAdded,
    Defect::ContentAltered,
    Defect::ContentEntryAdded,
    Defect::CurrentNotServed,
    Defect::CurrentContentFilled,
    Defect::CurrentContentWithResponse,
    Defect::CurrentContentWithSearch,
    Defect::SubscribeAnswered200,
    Defect::SubscribeAnswered500,
    Defect::EndpointMissing,
    Defect::EndpointGuessable,
    Defect::ResponseNotJson,
    Defect::MalformedSubscriptionAccepted,
    Defect::RefusalWithoutReason,
    Defect::QuietSocketCut,
    Defect::UnsubscribeAnswered200,
    Defect::UnsubscribeAnswered500,
    Defect::UnsubscribeWithoutEndpoint,
    Defect::UnsubscribeWrongEndpoint,
    Defect::LeaksAcrossTopics,
    Defect::TopicsWithoutCase,
    Defect::TopicsCutShort,
    Defect::TopicsDecodedTwice,
    Defect::TopicsWithoutPunctuation,
    Defect::PublishElsewhere,
    Defect::PublishRedirected,
    Defect::MalformedEventsSwallowed,
    Defect::MalformedEventsPassedOn,
    Defect::UnauthorizedEventBroadcast,
    Defect::ConfigurationEventsEmpty,
    Defect::ConfigurationEventLeftOut,
    Defect::SelectRefused,
    Defect::ConfigurationFlagInPart,
    Defect::NonCurrentUpdateRefused,
    Defect::NonCurrentUpdatesUnsaid,
    Defect::NoConfiguration,
    Defect::ConfigurationNotJson,
    Defect::ConfigurationWithoutEvents,
    Defect::ConfigurationWithoutWebsocket,
    Defect::ConfigurationWithoutVersion,
    Defect::ConfigurationVersionAsNumber,
    Defect::ConfigurationFlagAsText,
    Defect::ConfigurationCapabilitiesAsArray,
    Defect::ConfigurationUnknownFhir,
    Defect::CurrentTypeMissing,
    Defect::CurrentVersionMissing,
    Defect::CurrentVersionConstant,
    Defect::CurrentContextAsObject,
    Defect::CurrentEmptyNamed,
    Defect::CurrentEmptyFilled,
    Defect::ScopesIgnored,
    Defect::ExpiredTokenTaken,
    Defect::ForeignTokenTaken,
    Defect::TokenNotDemanded,
    Defect::LeaseBeyondToken,
];

/// A session in which every behaviour of the heart shows, as the lines of what came out.
fn live(defects: &[Defect]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut desk = Desk::with_defects(defects);
    let all = "Patient-open,Patient-close,Encounter-open,DiagnosticReport-open,DiagnosticReport-update,SyncError,\
         UserHibernate,org.example.some_thing";

    let mut untyped = subscription("Patient-open");
    untyped.channel_type = None;
    note(&mut lines, "untyped", &desk.request(&untyped).is_ok());
    note(
        &mut lines,
        "unknown",
        &desk
            .request(&SubscriptionRequest::unsubscribe(TOPIC, "none"))
            .is_ok(),
    );

    let first = desk.join_as("First", all);
    let second_endpoint = desk.subscribe("patient-open,SyncError");
    note(&mut lines, "endpoint", &second_endpoint);
    let second = desk.connect(&second_endpoint).unwrap();
    let third = desk.join_as("Third", "Encounter-close");
    let fourth = desk.join("SyncError");
    let everyone = [first, second, third, fourth];
    gather(&mut desk, &mut lines, &everyone);

    let mut open = patient_open("e1", "p1");
    let extension = json!({"key": "extension", "data": {"x": 1}});
    open["event"]["context"].as_array_mut().unwrap().push(extension);
    open["event"]["context"][0]["resource"]["multipleBirthInteger"] = json!(2.0);
    open["event"]["org.example.castspec"] = json!(1);
    let mut update = event(
        "e5",
        "DiagnosticReport-update",
        json!([
            {"key": "report", "reference": {"reference": "DiagnosticReport/r1"}},
            {"key": "updates", "resource": {"resourceType": "Bundle", "id": "b", "type": "transaction", "entry": [
                {"request": {"method": "PUT"}, "resource": {"resourceType": "Observation", "id": "o1"}},
                {"request": {"method": "PUT"}, "resource": {"resourceType": "DiagnosticReport", "id": "r1", "status": "final"}},
            ]}},
        ]),
    );
    update["event"]["context.versionId"] = "stale".into();
    let sync_error = json!([{"key": "operationoutcome", "resource": {"resourceType": "OperationOutcome"}}]);
    let published = [
        open,
        patient_open("e2", "p2"),
        encounter_open("e3", "enc", "p3"),
        report_open("e4", "r1"),
        update.clone(),
        event("e6", "SyncError", sync_error),
        patient_close("e7", "p2"),
        event("e14", "UserHibernate", json!([])),
        event("e15", "org.example.some_thing", json!([])),
    ];
    for event in &published {
        let refused = desk.publish(event).err().map(|refusal| refusal.status);
        note(&mut lines, "published", &refused);
        let current = desk.current();
        note(&mut lines, "current", &current);
        gather(&mut desk, &mut lines, &everyone);
        if event["id"] == "e5" && current["context.versionId"].is_string() {
            update["event"]["context.versionId"] = current["context.versionId"].clone();
            note(&mut lines, "updated", &desk.publish(&update).is_ok());
            note(&mut lines, "current", &desk.current());
            gather(&mut desk, &mut lines, &everyone);
        }
    }
    let empty = event("e17", "Patient-open", json!([]));
    note(&mut lines, "empty", &desk.publish(&empty).is_ok());
    let mut close = report_open("e9", "r1");
    close["event"]["hub.event"] = "DiagnosticReport-close".into();
    for event in [
        report_open("e8", "r1"),
        report_open("e11", "r2"),
        report_open("e12", "r1"),
        close,
        report_open("e13", "r1"),
    ] {
        desk.publish(&event).unwrap();
        note(&mut lines, "current", &desk.current());
    }
    let entries: Vec<_> = (0..21)
        .map(|n| {
            json!({"request": {"method": "PUT"}, "resource": {"resourceType": "Observation", "id": format!("many-{n}")}})
        })
        .collect();
    let mut large = update.clone();
    large["id"] = "e16".into();
    large["event"]["context"][1]["resource"]["entry"] = entries.into();
    large["event"]["context.versionId"] = desk.current()["context.versionId"].clone();
    let refused = desk.publish(&large).err().map(|refusal| refusal.status);
    note(&mut lines, "large", &refused);
    let mut contradicted = update.clone();
    contradicted["id"] = "e18".into();
    contradicted["event"]["context.versionId"] = desk.current()["context.versionId"].clone();
    contradicted["event"]["versionId"] = "stale".into();
    let refused = desk.publish(&contradicted).err().map(|refusal| refusal.status);
    note(&mut lines, "contradicted", &refused);
    desk.publish(&patient_open("e10", "p4")).unwrap();

    for (event, status) in [
        ("e1", 409),
        ("e2", 404),
        ("e3", 500),
        ("e8", 503),
        ("e11", 202),
        ("e12", 200),
    ] {
        desk.answer(first, event, status);
        gather(&mut desk, &mut lines, &everyone);
    }

    for code in [1000, 1001] {
        let late_endpoint = desk.subscribe("Patient-open,Encounter-open");
        if let Ok(late) = desk.connect(&late_endpoint) {
            gather(&mut desk, &mut lines, &[late]);
            desk.disconnect(late, Closing::Code(code));
        }
    }
    gather(&mut desk, &mut lines, &everyone);

    let mut again = subscription("Home-open");
    again.endpoint = Some(second_endpoint.clone());
    note(&mut lines, "again", &desk.request(&again).is_ok());
    gather(&mut desk, &mut lines, &everyone);

    let mut half = SubscriptionRequest::unsubscribe(TOPIC, &second_endpoint);
    half.events = Some(vec!["SyncError".parse().unwrap()]);
    half.channel_type = None;
    note(&mut lines, "untyped end", &desk.request(&half).is_ok());
    let in_part = desk.subscribe("Patient-open,Home-open");
    if let Ok(id) = desk.connect(&in_part) {
        let mut part = SubscriptionRequest::unsubscribe(TOPIC, &in_part);
        part.events = Some(vec!["Home-open".parse().unwrap()]);
        note(&mut lines, "in part", &desk.request(&part).is_ok());
        gather(&mut desk, &mut lines, &[id]);
    }

    let left = desk.request(&SubscriptionRequest::unsubscribe(TOPIC, &second_endpoint));
    note(&mut lines, "left", &left.is_ok());
    note(&mut lines, "closed", &desk.closed.contains_key(&second));
    note(&mut lines, "alive", &desk.connect(&second_endpoint).is_ok());
    gather(&mut desk, &mut lines, &everyone);

    desk.wait(11.0);
    gather(&mut desk, &mut lines, &everyone);
    note(
        &mut lines,
        "unresponsive closed",
        &desk.closed.contains_key(&first),
    );
    let brief = desk.join("Home-open");
    desk.wait(7_000.0);
    note(&mut lines, "in time", &desk.closed.contains_key(&brief));
    desk.wait(8_000.0);
    gather(&mut desk, &mut lines, &[first, second, third, brief]);
    note(&mut lines, "expired closed", &desk.closed.contains_key(&brief));
    lines.extend(alike::over_sockets(defects));
    lines
}

fn note(lines: &mut Vec<String>, what: &str, value: &impl std::fmt::Debug) {
    lines.push(format!("{what}: {value:?}"));
}

fn gather(desk: &mut Desk, lines: &mut Vec<String>, everyone: &[SubscriberId]) {
    for id in everyone {
        for frame in desk.frames(*id) {
            lines.push(format!("{id:?} {frame}"));
        }
    }
}

#[test]
fn every_defect_of_the_heart_shows() {
    let clean = live(&[]);
    assert_eq!(clean, live(&[]), "the same inputs give the same outputs");
    let hidden: Vec<_> = Defect::of(Version::Stu3)
        .into_iter()
        .filter(|defect| live(&[*defect]) == clean)
        .collect();
    let mut shell = SHELL.to_vec();
    shell.sort();
    assert_eq!(hidden, shell);
}
