// SPDX-License-Identifier: MIT
//! What happened during a call, for logs, metrics and traces.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Something that happened during a call, as [`ClientBuilder::observe`](crate::ClientBuilder::observe) tells it.
///
/// The names of events and fields are those of libplastiq's page on events; [`describe`](crate::describe) with `"events"` and
/// `"event_fields"` lists them. No token, secret, body or header is in any field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub(crate) name: String,
    pub(crate) fields: Vec<(String, Value)>,
}

/// The value of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value {
    /// A number. What is not known is 0 or -1, as the library's page on events says.
    Number(i64),
    /// A text; empty if it is not known.
    Text(String),
}

impl Event {
    pub(crate) fn new(room: usize) -> Self {
        Event { name: String::new(), fields: Vec::with_capacity(room) }
    }

    /// A reply holds at most 1000 events; this one, last, says how many there were beside them.
    pub(crate) fn lost(count: u64) -> Self {
        let count = Value::Number(i64::try_from(count).unwrap_or(i64::MAX));
        Event { name: "events_lost".to_owned(), fields: vec![("count".to_owned(), count)] }
    }

    /// Its name, such as `call_end`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A field by its name.
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.fields.iter().find(|(name, _)| name == field).map(|(_, value)| value)
    }

    /// A field that is a number.
    pub fn number(&self, field: &str) -> Option<i64> {
        match self.get(field) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        }
    }

    /// A field that is a text.
    pub fn text(&self, field: &str) -> Option<&str> {
        match self.get(field) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A field that is a time in microseconds, such as `elapsed_us`; `None` also if it is not known.
    pub fn duration(&self, field: &str) -> Option<Duration> {
        self.number(field).and_then(|us| u64::try_from(us).ok()).map(Duration::from_micros)
    }

    /// When it happened.
    pub fn time(&self) -> Option<SystemTime> {
        self.duration("time_us").map(|since| UNIX_EPOCH + since)
    }

    /// All fields, in the library's order.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value))
    }
}
