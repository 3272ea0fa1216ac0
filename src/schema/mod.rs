//! (room: schema; stand-in until merged)
#![allow(missing_docs)]
use crate::scenario::Unmet;
use serde_json::Value;
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageKind {
    SubscriptionRequest,
    UnsubscribeRequest,
    SubscriptionResponse,
    UnsubscribeResponse,
    Confirmation,
    Denial,
    Notification,
    Publication,
    Acknowledgement,
    Configuration,
    CurrentContext,
}
#[derive(Debug)]
pub struct Schemas;
#[derive(Debug, Default)]
pub struct Judgement {
    pub satisfied: Vec<String>,
    pub violations: Vec<Violation>,
}
#[derive(Debug)]
pub struct Violation {
    pub requirement: String,
    pub pointer: String,
    pub message: String,
    pub schema: String,
}
impl Violation {
    pub fn unmet(&self) -> Option<Unmet> {
        None
    }
}
impl Schemas {
    pub fn judge(&self, _kind: MessageKind, _message: &Value) -> Judgement {
        Judgement::default()
    }
    pub fn judge_context(&self, _event: &str, _e: &Value) -> Judgement {
        Judgement::default()
    }
}
