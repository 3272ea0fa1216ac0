//! Answers over HTTP.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::{Behaviour, with, without};
use crate::defect::Defect;
use crate::protocol::{Configuration, CurrentContext, Mode, SubscriptionResponse};

impl Behaviour {
    /// The status of an accepted subscription or unsubscribe request.
    pub fn accepted_status(&self, mode: Mode) -> u16 {
        let (plain, failed) = match mode {
            Mode::Subscribe => (Defect::SubscribeAnswered200, Defect::SubscribeAnswered500),
            Mode::Unsubscribe => (Defect::UnsubscribeAnswered200, Defect::UnsubscribeAnswered500),
        };
        let redirected = match mode {
            Mode::Subscribe => Defect::SubscribeRedirected,
            Mode::Unsubscribe => Defect::UnsubscribeRedirected,
        };
        if self.has(plain) {
            200
        } else if self.has(failed) {
            500
        } else if self.has(redirected) {
            302
        } else {
            202
        }
    }

    /// The body of an accepted subscription or unsubscribe request.
    pub fn response(&self, mode: Mode, response: &SubscriptionResponse) -> Value {
        let body = serde_json::to_value(response).unwrap_or_default();
        let listed = match mode {
            Mode::Subscribe => self.has(Defect::ResponseAsArray),
            Mode::Unsubscribe => self.has(Defect::UnsubscribeResponseAsArray),
        };
        if listed {
            return json!([body]);
        }
        let missing = match mode {
            Mode::Subscribe => self.has(Defect::EndpointMissing),
            Mode::Unsubscribe => self.has(Defect::UnsubscribeWithoutEndpoint),
        };
        if missing {
            without(body, "hub.channel.endpoint")
        } else if mode == Mode::Unsubscribe && self.has(Defect::UnsubscribeWrongEndpoint) {
            with(body, "hub.channel.endpoint", format!("{}-not", response.endpoint))
        } else {
            body
        }
    }

    /// Whether endpoints are given out as ws:// though the hub speaks TLS.
    pub fn names_plaintext_endpoints(&self) -> bool {
        self.has(Defect::EndpointPlaintext)
    }

    /// Whether endpoints are numbered.
    pub fn numbers_endpoints(&self) -> bool {
        self.has(Defect::EndpointGuessable)
    }

    /// The content type of that body.
    pub fn response_type(&self) -> &'static str {
        if self.has(Defect::ResponseNotJson) {
            "text/plain"
        } else {
            "application/json"
        }
    }

    /// Whether refusals say why.
    pub fn explains_refusals(&self) -> bool {
        !self.has(Defect::RefusalWithoutReason)
    }

    /// The content type of refusals, and the reason in that form.
    pub fn refusal(&self, reason: &str) -> (&'static str, String) {
        if self.has(Defect::RefusalAsHtml) {
            ("text/html", format!("<html><body><p>{reason}</p></body></html>"))
        } else {
            ("text/plain; charset=utf-8", reason.to_owned())
        }
    }

    /// Whether a re-subscription that is refused is carried out all the same.
    pub fn applies_refused_resubscriptions(&self) -> bool {
        self.has(Defect::RefusedResubscriptionApplied)
    }

    /// Whether subscription requests that break a rule get a 202.
    pub fn accepts_malformed_subscriptions(&self) -> bool {
        self.has(Defect::MalformedSubscriptionAccepted)
    }

    /// The answer to every event, whatever it is.
    pub fn answers_events_with(&self) -> Option<(u16, &'static str)> {
        if self.has(Defect::PublishElsewhere) {
            Some((404, "events are not taken here"))
        } else if self.has(Defect::PublishRedirected) {
            Some((302, "see elsewhere"))
        } else {
            None
        }
    }

    /// What a topic is known by: itself, so that no other is taken for it.
    pub fn taken_for<'t>(&self, topic: &'t str) -> Cow<'t, str> {
        if self.has(Defect::TopicsWithoutCase) {
            topic.to_lowercase().into()
        } else if self.has(Defect::TopicsCutShort) {
            // Longer than the topics that nobody wrote to be long.
            topic.chars().take(64).collect::<String>().into()
        } else if self.has(Defect::TopicsDecodedTwice) {
            percent_decode_str(topic).decode_utf8_lossy()
        } else if self.has(Defect::TopicsWithoutPunctuation) {
            let letters = topic.chars().filter(|letter| letter.is_alphanumeric());
            letters.collect::<String>().into()
        } else {
            topic.into()
        }
    }

    /// Whether events reach the subscribers of other topics.
    pub fn leaks_across_topics(&self) -> bool {
        self.has(Defect::LeaksAcrossTopics)
    }

    /// The configuration document; `None` where there is none.
    pub fn configuration(&self, configuration: &Configuration) -> Option<Value> {
        if self.has(Defect::NoConfiguration) {
            return None;
        }
        let mut document = serde_json::to_value(configuration).ok()?;
        if self.has(Defect::ConfigurationWithoutEvents) {
            document = without(document, "eventsSupported");
        }
        if self.has(Defect::ConfigurationWithoutWebsocket) {
            document = with(document, "websocketSupport", false);
        }
        if self.has(Defect::ConfigurationWithoutWebhook) {
            document = without(document, "webhookSupport");
        }
        if self.has(Defect::ConfigurationWithoutVersion) {
            document = without(document, "fhircastVersion");
        }
        if self.has(Defect::ConfigurationFlagInPart) {
            document = without(document, "getCurrentSupport");
        }
        if self.has(Defect::NonCurrentUpdatesUnsaid) {
            let capabilities = document["capabilities"].take();
            document["capabilities"] = without(capabilities, "supportsNonCurrentContextUpdates");
        }
        for (defect, member, value) in [
            (Defect::ConfigurationVersionAsNumber, "fhircastVersion", json!(3)),
            (
                Defect::ConfigurationFlagAsText,
                "getCurrentSupport",
                json!("true"),
            ),
            (
                Defect::ConfigurationCapabilitiesAsArray,
                "capabilities",
                json!(["supportsGetCurrentContext"]),
            ),
            (Defect::ConfigurationEventsEmpty, "eventsSupported", json!([])),
            (Defect::ConfigurationUnknownFhir, "fhirVersion", json!("R9")),
            (Defect::WebhookUnsupportedTaken, "webhookSupport", json!(false)),
            (
                Defect::ConfigurationWebhookAsText,
                "webhookSupport",
                json!("true"),
            ),
            (
                Defect::ConfigurationFlagsContradict,
                "getCurrentSupport",
                json!(false),
            ),
        ] {
            if self.has(defect) {
                document = with(document, member, value);
            }
        }
        for (defect, capability) in [
            (Defect::ConfigurationCurrentAsText, "supportsGetCurrentContext"),
            (
                Defect::ConfigurationUpdatesAsText,
                "supportsNonCurrentContextUpdates",
            ),
        ] {
            if self.has(defect) {
                document["capabilities"][capability] = json!("true");
            }
        }
        if self.has(Defect::ConfigurationEventLeftOut)
            && let Some(events) = document["eventsSupported"].as_array_mut()
        {
            let is_left_out = |event: &Value| {
                event
                    .as_str()
                    .is_some_and(|name| name.eq_ignore_ascii_case("Patient-open"))
            };
            events.retain(|event| !is_left_out(event));
        }
        if self.has(Defect::ConfigurationStrangeEvents)
            && let Some(events) = document["eventsSupported"].as_array_mut()
        {
            events.push(json!("patient opened"));
        }
        Some(if self.has(Defect::ConfigurationAsArray) {
            json!([document])
        } else {
            document
        })
    }

    /// The content type of the configuration document.
    pub fn configuration_type(&self) -> &'static str {
        if self.has(Defect::ConfigurationNotJson) {
            "text/plain"
        } else {
            "application/json"
        }
    }

    /// Whether the current context is to be had.
    pub fn serves_current_context(&self) -> bool {
        !self.has(Defect::CurrentNotServed)
    }

    /// The content type of the answer to Get Current Context.
    pub fn current_context_type(&self) -> &'static str {
        if self.has(Defect::CurrentNotJson) {
            "text/html"
        } else {
            "application/json"
        }
    }

    /// The answer to Get Current Context, as JSON.
    pub fn current_context(&self, context: &CurrentContext) -> String {
        let text = serde_json::to_string(context).unwrap_or_default();
        if self.is_clean() {
            return text;
        }
        // Values that serde_json would write otherwise are not looked at in a defective hub.
        let mut document: Value = serde_json::from_str(&text).unwrap_or_default();
        if context.context_type.is_empty() {
            if self.has(Defect::CurrentEmptyNamed) {
                document = with(document, "context.type", "None");
            }
            if self.has(Defect::CurrentEmptyFilled) {
                document = with(document, "context", json!([{"key": "none"}]));
            }
        }
        if self.has(Defect::CurrentTypeMissing) {
            document = without(document, "context.type");
        }
        if self.has(Defect::CurrentVersionMissing) {
            document = without(document, "context.versionId");
        }
        if self.has(Defect::CurrentVersionConstant) && context.version_id.is_some() {
            document = with(document, "context.versionId", "1");
        }
        if self.has(Defect::CurrentContextAsObject) {
            document = with(document, "context", json!({}));
        }
        if !context.context_type.is_empty() {
            self.alter_current_context(&mut document);
        }
        if self.has(Defect::CurrentNotJson) {
            return format!("<html><body><pre>{document}</pre></body></html>");
        }
        if self.has(Defect::CurrentAsArray) {
            document = json!([document]);
        }
        document.to_string()
    }

    fn alter_current_context(&self, document: &mut Value) {
        if self.has(Defect::CurrentWrongType) {
            document["context.type"] = json!("Encounter");
        }
        if self.has(Defect::CurrentVersionRenewed) {
            document["context.versionId"] = json!(uuid::Uuid::new_v4().to_string());
        }
        self.alter_current(&mut document["context"]);
        let opened = document["context"]
            .get(0)
            .and_then(|entry| entry.get("resource"))
            .cloned();
        let entries = document.get_mut("context").and_then(Value::as_array_mut);
        let entries = entries.into_iter().flatten();
        for resource in entries.filter_map(|entry| entry.get_mut("resource")) {
            if resource.get("resourceType").is_none_or(|kind| kind != "Bundle") {
                if self.has(Defect::CurrentContextAltered) {
                    let (kind, id) = (resource["resourceType"].take(), resource["id"].take());
                    *resource = json!({"resourceType": kind, "id": id});
                }
                continue;
            }
            if self.has(Defect::CurrentContentFilled)
                && let (Some(opened), Some(bundle)) = (&opened, resource.as_object_mut())
            {
                let contents = bundle.entry("entry").or_insert_with(|| json!([]));
                if let Some(contents) = contents.as_array_mut() {
                    contents.push(json!({"resource": opened}));
                }
            }
            let contents = resource.get_mut("entry").and_then(Value::as_array_mut);
            for content in contents.into_iter().flatten() {
                if self.has(Defect::CurrentContentWithResponse) {
                    content["response"] = json!({"status": "200"});
                }
                if self.has(Defect::CurrentContentWithSearch) {
                    content["search"] = json!({"mode": "match"});
                }
            }
        }
    }
}
