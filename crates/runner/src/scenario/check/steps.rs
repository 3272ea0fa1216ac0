//! One step after the other.

use serde_saphyr::Spanned;

use super::Checker;
use super::names::Kind;
use crate::scenario::positions::Node;
use crate::scenario::problem::Problem;
use crate::scenario::requirements::named_requirements;
use crate::scenario::syntax::{
    Absent, Expect, Fence, MessageSelector, Publish, Request, RequestSubscription, Selector, Send, Step, When,
};

const NO_CONDITION: &When = &None;

impl<'d> Checker<'d> {
    pub(super) fn step(&mut self, step: &'d Step, node: &Node) {
        for requirement in named_requirements(step) {
            self.requirement(requirement);
        }
        let node = node.members().first().map_or(node, |(_, _, inner)| inner);
        match step {
            Step::Subscribe(names) => {
                if names.is_empty() {
                    self.tell(node.place, Problem::Empty("subscribe"));
                }
                for name in names {
                    self.subscriber(name);
                    self.names.subscribes(&name.value);
                }
            }
            Step::RequestSubscription(step) => self.request_subscription(step, node),
            Step::Connect(step) => {
                self.websocket(&step.subscriber);
                self.condition(&step.when);
                self.optional(step.endpoint.as_deref(), node.field("endpoint"));
                self.save(step.save_whether.as_ref(), Kind::Whether, &step.when);
            }
            Step::Unsubscribe(step) => {
                self.subscriber(&step.by);
                self.condition(&step.when);
                self.save(step.save.as_ref(), Kind::Answer, &step.when);
                self.expectations(&step.answer, node.field("answer"));
            }
            Step::Publish(step) => self.publish(step, node),
            Step::Request(step) => self.request(step, node),
            Step::GetContext(step) => {
                self.subscriber(&step.by);
                self.condition(&step.when);
                self.optional(step.topic.as_deref(), node.field("topic"));
                self.save(step.save.as_ref(), Kind::Answer, &step.when);
                self.expectations(&step.answer, node.field("answer"));
            }
            Step::Discover(step) => {
                self.save(step.save.as_ref(), Kind::Answer, NO_CONDITION);
                self.expectations(&step.answer, node.field("answer"));
            }
            Step::Expect(step) => self.expect(step, node),
            Step::Absent(step) => self.absent(step, node),
            Step::ExpectClose(step) => {
                self.websocket(&step.at);
                self.condition(&step.when);
            }
            Step::ExpectExpiry(step) => {
                self.subscriber(&step.at);
                self.subscriber(&step.by);
                self.event(&step.event.value, step.event.referenced.into());
            }
            Step::Send(step) => self.send(step, node),
            Step::Disconnect(step) => {
                self.websocket(&step.subscriber);
                // 1005, 1006 and 1015 stand for what no close frame says (RFC 6455, 7.4.1).
                let reserved = matches!(step.code, 1004..=1006 | 1015..=2999);
                if !(1000..=4999).contains(&step.code) || reserved {
                    self.tell(node.field("code").place, Problem::CloseCode(step.code));
                }
            }
            Step::Abort(name) => self.websocket(name),
            Step::Answers(step) => {
                self.subscriber(&step.of);
                self.condition(&step.when);
                self.answers(&step.rules, node.field("rules"));
            }
            Step::Verifications(step) => {
                self.webhook(&step.of);
                self.verifying(&step.rule, node.field("rule"));
            }
            Step::Fence(step) => self.fence(step, node),
            Step::Check(step) => {
                self.condition(&step.when);
                self.value(&step.value, node.field("value"));
                self.matcher(&step.is, node.field("is"));
                if step.unmet.is_some() && step.requirement.is_none() {
                    self.tell(node.key("unmet"), Problem::UnmetWithoutRequirement);
                }
                self.save(step.save_whether.as_ref(), Kind::Whether, &step.when);
            }
            Step::Observe(step) => {
                if step.subject.trim().is_empty() {
                    self.tell(node.field("subject").place, Problem::Empty("subject"));
                }
                if step.readings.is_empty() {
                    self.tell(node.field("readings").place, Problem::Empty("readings"));
                }
                for own in &step.readings {
                    self.condition(&own.when);
                }
            }
        }
    }

    /// Verifications come to callbacks, confirmations over WebSockets.
    fn at_channel(&mut self, at: &Spanned<String>, message: &Selector) {
        match message.kind {
            MessageSelector::Verification => self.webhook(at),
            MessageSelector::Confirmation => self.websocket(at),
            _ => self.subscriber(at),
        }
    }

    fn optional(&mut self, text: Option<&str>, node: &Node) {
        if let Some(text) = text {
            self.text(text, node);
        }
    }

    fn request_subscription(&mut self, step: &'d RequestSubscription, node: &Node) {
        self.subscriber(&step.by);
        self.condition(&step.when);
        for event in step.events.iter().flatten() {
            self.event(&event.value, event.referenced.into());
        }
        self.optional(step.endpoint.as_deref(), node.field("endpoint"));
        self.names.subscribes(&step.by.value);
        self.save(step.save.as_ref(), Kind::Answer, &step.when);
        self.expectations(&step.answer, node.field("answer"));
    }

    fn publish(&mut self, step: &'d Publish, node: &Node) {
        self.subscriber(&step.by);
        self.condition(&step.when);
        self.event(&step.event.value, step.event.referenced.into());
        if let Some(case) = &step.case {
            self.names.has_case(case);
        }
        self.optional(step.id.as_deref(), node.field("id"));
        self.optional(step.timestamp.as_deref(), node.field("timestamp"));
        self.optional(step.version.as_deref(), node.field("version"));
        if let Some(context) = &step.context {
            self.value(context, node.field("context"));
        }
        for (name, value) in &step.event_members {
            self.value(value, node.field("event_members").field(name));
        }
        if step.times == Some(0) {
            self.tell(node.field("times").place, Problem::NoTimes);
        }
        self.save(step.save.as_ref(), Kind::Publication, &step.when);
        self.expectations(&step.answer, node.field("answer"));
    }

    fn request(&mut self, step: &'d Request, node: &Node) {
        self.subscriber(&step.by);
        self.condition(&step.when);
        let bodies = [
            ("form", step.form.is_some()),
            ("json", step.json.is_some()),
            ("text", step.text.is_some()),
        ];
        let given: Vec<&str> = bodies
            .iter()
            .filter_map(|(name, given)| given.then_some(*name))
            .collect();
        if let [_, second, ..] = given.as_slice() {
            let problem = Problem::Bodies("a request has one body: form, json or text");
            self.tell(node.key(second), problem);
        } else if step.padding.is_some() && matches!(given.as_slice(), ["form" | "json"]) {
            let problem = Problem::Bodies("padding follows a text, not a form or JSON");
            self.tell(node.key("padding"), problem);
        }
        if let Some(method) = &step.method
            && (method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase()))
        {
            self.tell(node.field("method").place, Problem::Method(method.clone()));
        }
        self.optional(step.url.as_deref(), node.field("url"));
        self.optional(step.text.as_deref(), node.field("text"));
        for (name, value) in &step.headers {
            self.text(value, node.field("headers").field(name));
        }
        for (index, (name, value)) in step.form.iter().flatten().enumerate() {
            let pair = node.field("form").item(index);
            self.text(name, pair.item(0));
            self.text(value, pair.item(1));
        }
        if let Some(value) = &step.json {
            self.value(value, node.field("json"));
        }
        self.save(step.save.as_ref(), Kind::Answer, &step.when);
        self.expectations(&step.answer, node.field("answer"));
    }

    fn expect(&mut self, step: &'d Expect, node: &Node) {
        self.condition(&step.when);
        self.selector(&step.message, node.field("message"));
        self.at_channel(&step.at, &step.message);
        if step.unmet.is_some() && step.requirement.is_none() {
            self.tell(node.key("unmet"), Problem::UnmetWithoutRequirement);
        }
        self.save(step.save.as_ref(), Kind::Message, &step.when);
        self.save(step.save_whether.as_ref(), Kind::Whether, &step.when);
        for (index, check) in step.checks.iter().enumerate() {
            let node = node.field("checks").item(index);
            self.condition(&check.when);
            if check.has.is_empty() && check.request.is_empty() {
                let empty = node.member("has").or_else(|| node.member("request"));
                self.tell(empty.unwrap_or(node).place, Problem::ExpectsNothing);
            }
            if !check.request.is_empty() {
                self.webhook(&step.at);
            }
            self.places(&check.has, node.field("has"));
            self.places(&check.request, node.field("request"));
        }
    }

    fn absent(&mut self, step: &'d Absent, node: &Node) {
        self.condition(&step.when);
        self.selector(&step.message, node.field("message"));
        self.at_channel(&step.at, &step.message);
        if let Some(name) = &step.fence_by {
            self.subscriber(name);
        }
        if let Some(event) = &step.fence_event {
            self.event(&event.value, event.referenced.into());
        }
    }

    fn send(&mut self, step: &'d Send, node: &Node) {
        self.websocket(&step.by);
        let given = [step.text.is_some(), step.json.is_some(), step.bytes.is_some()];
        if given.iter().filter(|given| **given).count() != 1 {
            let problem = Problem::Bodies("a frame has one content: text, json or bytes");
            self.tell(node.place, problem);
        }
        self.optional(step.text.as_deref(), node.field("text"));
        if let Some(value) = &step.json {
            self.value(value, node.field("json"));
        }
    }

    fn fence(&mut self, step: &'d Fence, node: &Node) {
        if step.at.is_empty() {
            self.tell(node.field("at").place, Problem::Empty("at"));
        }
        for name in step.at.iter().chain(&step.by) {
            self.subscriber(name);
        }
        if let Some(event) = &step.event {
            self.event(&event.value, event.referenced.into());
        }
    }
}
