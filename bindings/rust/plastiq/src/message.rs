// SPDX-License-Identifier: MIT
//! Messages: what goes to the library and comes back, as msgpack. `message.h` of the library has the rules.

use std::convert::Infallible;
use std::fmt;
use std::time::Duration;

use rmp::encode::{self, ByteBuf, ValueWriteError};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use zeroize::Zeroizing;

use crate::error::{Attempt, Failure, LoadStep, ServiceError};
use crate::events::{Event, Value};
use crate::{Delivery, Error, Kind, Phase, Request, Status};

/// A message on its way to the library: it may hold headers that are secret, so it is wiped.
pub(crate) type Message = Zeroizing<Vec<u8>>;

// ---- writing ----

/// Writes into memory that has room for all of it: a buffer that grows would leave copies behind.
struct Writer(ByteBuf);

fn written<T>(result: Result<T, ValueWriteError<Infallible>>) {
    match result {
        Ok(_) => {}
        Err(ValueWriteError::InvalidMarkerWrite(never) | ValueWriteError::InvalidDataWrite(never)) => match never {},
    }
}

impl Writer {
    fn map(&mut self, len: usize) {
        written(encode::write_map_len(&mut self.0, len as u32));
    }

    fn array(&mut self, len: usize) {
        written(encode::write_array_len(&mut self.0, len as u32));
    }

    fn text(&mut self, text: &str) {
        written(encode::write_str(&mut self.0, text));
    }

    fn number(&mut self, number: i64) {
        written(encode::write_sint(&mut self.0, number));
    }

    fn bool(&mut self, value: bool) {
        match encode::write_bool(&mut self.0, value) {
            Ok(()) => {}
            Err(never) => match never {},
        }
    }

    /// One whole value that is msgpack already.
    fn value(&mut self, bytes: &[u8]) {
        self.0.as_mut_vec().extend_from_slice(bytes);
    }
}

/// No head of a value is longer, and no key of ours.
const HEAD: usize = 16;

fn room_for(request: &Request) -> usize {
    let params: usize = request.params.iter().map(|(name, value)| name.len() + value.len() + 2 * HEAD).sum();
    let headers: usize = request.headers.iter().map(|header| header.name.len() + header.value.len() + 6 * HEAD).sum();
    request.operation.len() + params + headers + request.extra.as_ref().map_or(0, |extra| extra.len()) + 16 * HEAD
}

/// The message of a request; its secrets come back as handles, so that their bytes stay in the library's pages.
pub(crate) fn write_request(request: &Request, events: bool) -> Message {
    let room = room_for(request);
    let mut to = Writer(ByteBuf::with_capacity(room));
    let keys = 3
        + usize::from(!request.params.is_empty())
        + usize::from(!request.headers.is_empty())
        + usize::from(request.extra.is_some())
        + usize::from(request.timeout_ms.is_some())
        + usize::from(request.max_repeats.is_some());
    to.map(keys);
    to.text("v");
    to.number(i64::from(plastiq_sys::PLQ_MESSAGE_VERSION));
    to.text("op");
    to.text(&request.operation);
    to.text("want");
    to.array(1 + usize::from(request.attempts) + usize::from(events));
    to.text("secret_handle");
    if request.attempts {
        to.text("attempts");
    }
    if events {
        to.text("events");
    }
    if !request.params.is_empty() {
        to.text("params");
        to.map(request.params.len());
        for (name, value) in &request.params {
            to.text(name);
            to.text(value);
        }
    }
    if !request.headers.is_empty() {
        to.text("headers");
        to.array(request.headers.len());
        for header in &request.headers {
            to.map(3);
            to.text("name");
            to.text(&header.name);
            to.text("value");
            to.text(&header.value);
            to.text("sensitive");
            to.bool(header.sensitive);
        }
    }
    if let Some(extra) = &request.extra {
        to.text("extra");
        to.value(extra);
    }
    if let Some(timeout_ms) = request.timeout_ms {
        to.text("timeout_ms");
        to.number(timeout_ms);
    }
    if let Some(max_repeats) = request.max_repeats {
        to.text("max_repeats");
        to.number(i64::from(max_repeats));
    }
    let message = to.0.into_vec();
    debug_assert!(message.len() <= room, "a message outgrew its room");
    Zeroizing::new(message)
}

/// The message that asks for a table.
pub(crate) fn write_describe(table: &str) -> Message {
    let mut to = Writer(ByteBuf::with_capacity(table.len() + 8 * HEAD));
    to.map(3);
    to.text("v");
    to.number(i64::from(plastiq_sys::PLQ_MESSAGE_VERSION));
    to.text("op");
    to.text("describe");
    to.text("params");
    to.map(1);
    to.text("table");
    to.text(table);
    Zeroizing::new(to.0.into_vec())
}

// ---- reading ----

/// What a reply holds, before its secrets are claimed.
#[derive(Debug, Deserialize)]
pub(crate) struct Reply<R> {
    pub(crate) status: i32,
    pub(crate) http_status: Option<u16>,
    pub(crate) trace_id: Option<String>,
    pub(crate) results: Option<R>,
    error: Option<ErrorMap>,
    #[serde(default)]
    attempts: Vec<AttemptMap>,
    #[serde(default)]
    pub(crate) events: Vec<Event>,
    events_lost: Option<u64>,
}

impl<R> Reply<R> {
    pub(crate) fn read<'a>(bytes: &'a [u8]) -> Result<Self, Error>
    where
        R: Deserialize<'a>,
    {
        let mut reply: Reply<R> = rmp_serde::from_slice(bytes).map_err(|error| Error::Reply(error.into()))?;
        if let Some(lost) = reply.events_lost {
            reply.events.push(Event::lost(lost));
        }
        Ok(reply)
    }

    pub(crate) fn take_attempts(&mut self) -> Vec<Attempt> {
        std::mem::take(&mut self.attempts).into_iter().map(Attempt::from).collect()
    }

    /// The results, or what the library tells of the failure.
    pub(crate) fn into_results(mut self) -> Result<R, Error> {
        let attempts = self.take_attempts();
        match (self.results, self.error) {
            (Some(results), None) if self.status == plastiq_sys::PLQ_OK => Ok(results),
            (_, Some(error)) => Err(Error::from(error.into_failure(self.status, attempts))),
            _ => Err(Error::Reply("it has no results".into())),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ErrorMap {
    kind: String,
    phase: Option<String>,
    delivery: String,
    repeatable: bool,
    message: String,
    field: Option<String>,
    http_status: Option<u16>,
    service_code: Option<String>,
    service_message: Option<String>,
    details: Vec<String>,
    trace_id: Option<String>,
    retry_after_ms: Option<u64>,
    load: Vec<LoadStep>,
}

/// What a reply leaves out because there is nothing to tell is "none".
fn phase(name: Option<String>) -> Phase {
    name.map_or(Phase::None, |name| Phase::from_name(&name))
}

impl ErrorMap {
    fn into_failure(self, status: i32, attempts: Vec<Attempt>) -> Failure {
        Failure {
            status: Status::from_code(status),
            kind: Kind::from_name(&self.kind),
            phase: phase(self.phase),
            delivery: Delivery::from_name(&self.delivery),
            repeatable: self.repeatable,
            http_status: self.http_status,
            retry_after: self.retry_after_ms.map(Duration::from_millis),
            message: self.message,
            field: self.field,
            trace_id: self.trace_id,
            service: ServiceError::new(self.service_code, self.service_message, self.details),
            attempts,
            load: self.load,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct AttemptMap {
    status: i32,
    phase: Option<String>,
    delivery: String,
    http_status: Option<u16>,
    http_version: Option<u8>,
    tls_version: Option<u16>,
    reused: bool,
    resumed: bool,
    token: Option<u8>,
    start_us: Option<u64>,
    wait_us: Option<u64>,
    queue_us: Option<u64>,
    resolve_us: Option<u64>,
    connect_us: Option<u64>,
    tls_us: Option<u64>,
    send_us: Option<u64>,
    first_byte_us: Option<u64>,
    total_us: Option<u64>,
    bytes_sent: u64,
    bytes_received: u64,
    peer: Option<String>,
    trace_id: Option<String>,
    message: Option<String>,
}

impl From<AttemptMap> for Attempt {
    fn from(from: AttemptMap) -> Self {
        let lasted = |us: Option<u64>| us.map(Duration::from_micros);
        Attempt {
            status: Status::from_code(from.status),
            phase: phase(from.phase),
            delivery: Delivery::from_name(&from.delivery),
            http_status: from.http_status,
            http_version: from.http_version,
            tls_version: from.tls_version,
            reused: from.reused,
            resumed: from.resumed,
            token: from.token,
            start: lasted(from.start_us),
            wait: lasted(from.wait_us),
            queue: lasted(from.queue_us),
            resolve: lasted(from.resolve_us),
            connect: lasted(from.connect_us),
            tls: lasted(from.tls_us),
            send: lasted(from.send_us),
            first_byte: lasted(from.first_byte_us),
            total: lasted(from.total_us),
            bytes_sent: from.bytes_sent,
            bytes_received: from.bytes_received,
            peer: from.peer,
            trace_id: from.trace_id,
            message: from.message,
        }
    }
}

/// The results of a call, by name.
#[derive(Debug, Default)]
pub(crate) struct Results(pub(crate) Vec<(String, Shown)>);

/// One result, or one field of an event, as a reply shows it.
#[derive(Debug)]
pub(crate) enum Shown {
    Text(String),
    Number(i64),
    /// The handle of a secret.
    Secret(u64),
    /// Something that a later library has.
    Unknown,
}

impl<'de> Deserialize<'de> for Results {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Of;
        impl<'de> Visitor<'de> for Of {
            type Value = Results;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of results")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Results, A::Error> {
                let mut results = Results(Vec::with_capacity(map.size_hint().unwrap_or(0).min(16)));
                while let Some(entry) = map.next_entry()? {
                    results.0.push(entry);
                }
                Ok(results)
            }
        }
        from.deserialize_map(Of)
    }
}

impl<'de> Deserialize<'de> for Shown {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Of;
        impl<'de> Visitor<'de> for Of {
            type Value = Shown;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_str<E>(self, text: &str) -> Result<Shown, E> {
                Ok(Shown::Text(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Shown, A::Error> {
                let mut shown = Shown::Unknown;
                while let Some(key) = map.next_key::<&str>()? {
                    match key {
                        "handle" => shown = Shown::Secret(map.next_value()?),
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(shown)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Shown, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Shown::Unknown)
            }

            fn visit_bool<E>(self, _: bool) -> Result<Shown, E> {
                Ok(Shown::Unknown)
            }

            fn visit_i64<E>(self, number: i64) -> Result<Shown, E> {
                Ok(Shown::Number(number))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Shown, E> {
                Ok(Shown::Number(i64::try_from(number).unwrap_or(i64::MAX)))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Shown, E> {
                Ok(Shown::Unknown)
            }

            fn visit_bytes<E>(self, _: &[u8]) -> Result<Shown, E> {
                Ok(Shown::Unknown)
            }

            fn visit_unit<E>(self) -> Result<Shown, E> {
                Ok(Shown::Unknown)
            }
        }
        from.deserialize_any(Of)
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Of;
        impl<'de> Visitor<'de> for Of {
            type Value = Event;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an event")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Event, A::Error> {
                let mut event = Event::new(map.size_hint().unwrap_or(0).min(64));
                while let Some((key, value)) = map.next_entry::<&str, Shown>()? {
                    let value = match value {
                        Shown::Text(name) if key == "event" => {
                            event.name = name;
                            continue;
                        }
                        Shown::Text(text) => Value::Text(text),
                        Shown::Number(number) => Value::Number(number),
                        Shown::Secret(_) | Shown::Unknown => continue,
                    };
                    event.fields.push((key.to_owned(), value));
                }
                Ok(event)
            }
        }
        from.deserialize_map(Of)
    }
}

/// A table that the library has of itself.
#[derive(Debug, Deserialize)]
pub(crate) struct TableMap {
    pub(crate) table: String,
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value as Json, json};

    fn read_back(message: &[u8]) -> Json {
        rmp_serde::from_slice(message).expect("one msgpack value")
    }

    #[test]
    fn a_bare_request() {
        let message = write_request(&Request::new("client_secrets.create"), false);
        assert_eq!(read_back(&message), json!({"v": 1, "op": "client_secrets.create", "want": ["secret_handle"]}));
    }

    #[test]
    fn a_request_with_everything() {
        let request = Request::new("client_secrets.create")
            .param("payer.id", "3f2b8c1e-7d4a-4c6b-9e0f-1a2b3c4d5e6f")
            .header("X-Test", "1")
            .sensitive_header("X-Private", "test-private-1")
            .extra(&json!({"payerId": "p", "deep": {"list": [1, null, 2.5, "ü"]}}))
            .expect("it can be encoded")
            .timeout(Duration::from_micros(1500))
            .max_repeats(0)
            .with_attempts();
        let message = write_request(&request, true);
        assert_eq!(
            read_back(&message),
            json!({
                "v": 1, "op": "client_secrets.create", "want": ["secret_handle", "attempts", "events"],
                "params": {"payer.id": "3f2b8c1e-7d4a-4c6b-9e0f-1a2b3c4d5e6f"},
                "headers": [{"name": "X-Test", "value": "1", "sensitive": false},
                            {"name": "X-Private", "value": "test-private-1", "sensitive": true}],
                "extra": {"payerId": "p", "deep": {"list": [1, null, 2.5, "ü"]}},
                "timeout_ms": 2, "max_repeats": 0
            })
        );
    }

    /// A buffer that grew would leave an unwiped copy of its head behind.
    #[test]
    fn no_message_outgrows_its_room() {
        // Miri takes its time for each byte.
        let most = if cfg!(miri) { 300 } else { 100_000 };
        for len in [0, 1, 31, 32, 255, 256, 65_535, 65_536, 100_000].into_iter().filter(|len| *len <= most) {
            let text = "x".repeat(len);
            let mut request = Request::new(&text).param(&text, &text).header(&text, &text).timeout(Duration::MAX);
            for i in 0..if cfg!(miri) { 2 } else { 20 } {
                request = request.param(format!("{i}"), &text).header(format!("{i}"), "");
            }
            let room = room_for(&request);
            let message = write_request(&request, true);
            assert!(message.len() <= room, "{len}: {} bytes in a room of {room}", message.len());
        }
    }

    fn packed(json: Json) -> Vec<u8> {
        rmp_serde::to_vec_named(&json).expect("it can be packed")
    }

    #[test]
    fn a_success() {
        let bytes = packed(json!({
            "v": 1, "status": 0, "http_status": 200, "trace_id": "t", "later": {"a": [1]},
            "results": {"client_secret": {"handle": 7, "expires_at_ms": 2, "life_ms": 1}, "name": "n", "odd": [1, {"a": null}], "odder": 2.5},
            "attempts": [{"status": 0, "delivery": "answered", "total_us": 1500, "reused": true, "new": "x"}],
            "events": [{"event": "call_end", "status": 0, "trace_id": "t", "time_us": -1, "odd": [true], "odder": null}], "events_lost": 3
        }));
        let mut reply = Reply::<Results>::read(&bytes).expect("it can be read");
        assert_eq!((reply.status, reply.http_status, reply.trace_id.as_deref()), (0, Some(200), Some("t")));
        let attempts = reply.take_attempts();
        assert_eq!(attempts.len(), 1);
        assert_eq!(attempts[0].total, Some(Duration::from_micros(1500)));
        assert!(attempts[0].reused && attempts[0].phase == Phase::None && attempts[0].delivery == Delivery::Answered);
        assert_eq!(reply.events[0].name(), "call_end");
        assert_eq!(reply.events[0].number("time_us"), Some(-1));
        assert_eq!(reply.events[0].text("trace_id"), Some("t"));
        assert_eq!(reply.events[0].fields().count(), 3, "what is of a later library is left out");
        assert_eq!((reply.events[1].name(), reply.events[1].number("count")), ("events_lost", Some(3)));
        let results = reply.into_results().expect("a success");
        assert!(matches!(&results.0[0], (name, Shown::Secret(7)) if name == "client_secret"), "{results:?}");
        assert!(matches!(&results.0[1], (_, Shown::Text(text)) if text == "n"), "{results:?}");
        assert!(matches!(&results.0[2..], [(_, Shown::Unknown), (_, Shown::Unknown)]), "{results:?}");
    }

    #[test]
    fn a_failure() {
        let bytes = packed(json!({
            "v": 1, "status": 15001, "http_status": 503,
            "error": {"status": 15001, "name": "PLQ_E_HTTP", "kind": "http", "phase": "decode", "delivery": "answered", "repeatable": true,
                      "message": "m", "service_code": "C", "service_message": "M", "details": ["d"], "http_status": 503, "trace_id": "t",
                      "retry_after_ms": 2000, "load": [{"path": "p", "stage": "s", "reason": "r"}]},
            "attempts": [{"status": 15001, "phase": "decode", "delivery": "answered", "http_status": 503}]
        }));
        let error = Reply::<Results>::read(&bytes).expect("it can be read").into_results().expect_err("a failure");
        let Error::Http(failure) = &error else { panic!("{:?}", error.kind()) };
        assert_eq!((failure.http_status, failure.retry_after), (Some(503), Some(Duration::from_secs(2))));
        assert_eq!((failure.phase, failure.delivery, failure.repeatable), (Phase::Decode, Delivery::Answered, true));
        assert_eq!((failure.attempts.len(), failure.load.len()), (1, 1));
        assert_eq!(error.to_string(), "m");
        let source = std::error::Error::source(&error).expect("what the service said");
        assert_eq!(source.to_string(), "C: M: d");
    }

    /// Whatever bytes come, they are read or refused; nothing panics, and nothing is allocated that they do not have.
    #[test]
    fn broken_replies() {
        let whole =
            packed(json!({"v": 1, "status": 0, "results": {"a": {"handle": 1}}, "events": [{"event": "x", "n": 1}]}));
        for len in 0..whole.len() {
            Reply::<Results>::read(&whole[..len]).expect_err("it is cut");
        }
        for i in 0..whole.len() {
            for bit in (0..8).step_by(if cfg!(miri) { 7 } else { 1 }) {
                let mut bytes = whole.clone();
                bytes[i] ^= 1 << bit;
                let _ = Reply::<Results>::read(&bytes).map(Reply::into_results);
            }
        }
        let huge = [0xdf, 0xff, 0xff, 0xff, 0xff];
        Reply::<Results>::read(&huge).expect_err("a map of four thousand million entries");
        let no_results = packed(json!({"v": 1, "status": 0}));
        Reply::<Results>::read(&no_results)
            .expect("it can be read")
            .into_results()
            .expect_err("a success without results");
    }
}
