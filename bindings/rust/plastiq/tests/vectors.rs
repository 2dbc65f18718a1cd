// SPDX-License-Identifier: MIT
//! Runs the shared vectors over the stub transport: each as a call that blocks, as one that can be cancelled, and as a future.
//!
//! They lie in tests/vectors of libplastiq's tree, or where PLASTIQ_VECTORS says. Those that need a real server are left out, and counted.

mod common;

use std::path::{Path, PathBuf};

use plastiq::{Client, Error, Request, Response};
use serde_json::{Map, Value, json};

// ---- cases ----

/// `{"repeat": text, "times": n}`, `{"join": [..]}`, and `{"copies": n, "of": value}` in lists.
fn written_out(value: &Value) -> Value {
    match value {
        Value::Object(map) if map.contains_key("repeat") && map.contains_key("times") => {
            let text = written_out(&map["repeat"]);
            json!(text.as_str().expect("a text").repeat(map["times"].as_u64().expect("a number") as usize))
        }
        Value::Object(map) if map.len() == 1 && map.contains_key("join") => {
            let parts = map["join"].as_array().expect("a list").iter().map(written_out);
            json!(parts.map(|part| part.as_str().expect("a text").to_owned()).collect::<String>())
        }
        Value::Object(map) => {
            map.iter().map(|(key, value)| (key.clone(), written_out(value))).collect::<Map<_, _>>().into()
        }
        Value::Array(list) => {
            let mut out = Vec::new();
            for value in list {
                match (value.get("copies").and_then(Value::as_u64), value.get("of")) {
                    (Some(copies), Some(of)) => out.extend(std::iter::repeat_n(written_out(of), copies as usize)),
                    _ => out.push(written_out(value)),
                }
            }
            out.into()
        }
        other => other.clone(),
    }
}

struct Case(Value);

impl Case {
    fn name(&self) -> String {
        format!("row-{:02}/{}", self.0["row"].as_u64().expect("a row"), self.0["name"].as_str().expect("a name"))
    }

    /// Why it cannot run here.
    fn unable(&self) -> Option<&str> {
        let on_stub =
            self.0.get("transports").is_none_or(|list| list.as_array().expect("a list").contains(&json!("stub")));
        if !on_stub {
            return Some("it needs a real server");
        }
        let extra_is_map = self.0.get("extra").is_none_or(Value::is_object);
        (!extra_is_map).then_some("its extra is a text, and a message has a map there")
    }

    fn outcome(&self) -> &Value {
        self.0.get("outcome_on").and_then(|on| on.get("stub")).unwrap_or(&self.0["outcome"])
    }
}

fn cases(folder: &Path) -> Vec<Case> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|path| {
        path.file_name().unwrap().to_str().unwrap().starts_with("row-")
            && path.extension().is_some_and(|end| end == "json")
    });
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a file");
        match serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display())) {
            Value::Array(list) => cases.extend(list.iter().map(|case| Case(written_out(case)))),
            one => cases.push(Case(written_out(&one))),
        }
    }
    cases
}

// ---- playing ----

/// As an option takes it.
fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn client(case: &Case) -> Result<Client, Error> {
    let script = case.0.get("responses").map_or_else(|| "[]".to_owned(), Value::to_string);
    let mut builder = common::bare()
        .access_token("test-key-0001")
        .option("backoff_base_ms", "1")
        .option("backoff_cap_ms", "2")
        .transport("stub")
        .transport_path_check(false)
        .allow_test_transports(true)
        .allow_plain_http(true)
        .option("stub.script", script)
        .base_url("https://plastiq.test/api");
    for (key, value) in case.0.get("options").and_then(Value::as_object).into_iter().flatten() {
        let fill = |text: &str| {
            text.replace("{port}", "443").replace("{folder}", "/nonexistent").replace("{transport}", "stub")
        };
        builder = match value {
            Value::Null => builder.unset(&fill(key)),
            value => builder.option(&fill(key), fill(&text_of(value))),
        };
    }
    builder.build()
}

fn request(case: &Case) -> Result<Request, Error> {
    let mut request = Request::new(case.0.get("operation").and_then(Value::as_str).unwrap_or("client_secrets.create"))
        .with_attempts();
    for (key, value) in case.0.get("params").and_then(Value::as_object).into_iter().flatten() {
        if !value.is_null() {
            request = request.param(key, text_of(value));
        }
    }
    for header in case.0.get("headers").and_then(Value::as_array).into_iter().flatten() {
        let (name, value) = (text_of(&header["name"]), text_of(&header["value"]));
        request = match header["sensitive"].as_bool() {
            Some(true) => request.sensitive_header(name, value),
            _ => request.header(name, value),
        };
    }
    if let Some(extra) = case.0.get("extra") {
        request = request.extra(extra)?;
    }
    if let Some(timeout_ms) = case.0.get("timeout_ms").and_then(Value::as_i64) {
        request = request
            .timeout(u64::try_from(timeout_ms).map_or(std::time::Duration::MAX, std::time::Duration::from_millis));
    }
    if let Some(max_repeats) = case.0.get("max_repeats").and_then(Value::as_u64) {
        request = request.max_repeats(u32::try_from(max_repeats).expect("a number"));
    }
    Ok(request)
}

fn micros(duration: Option<std::time::Duration>) -> i64 {
    duration.map_or(-1, |duration| duration.as_micros() as i64)
}

fn attempts(list: &[plastiq::Attempt]) -> Value {
    let one = |attempt: &plastiq::Attempt| {
        json!({
            "status": attempt.status.name(), "phase": attempt.phase.name(), "delivery": attempt.delivery.name(),
            "http_status": attempt.http_status.unwrap_or(0), "token": attempt.token.unwrap_or(0), "reused": i32::from(attempt.reused),
            "wait_us": micros(attempt.wait), "total_us": micros(attempt.total)
        })
    };
    list.iter().map(one).collect()
}

fn success(mut response: Response, operation: &str) -> Value {
    let mut secret = response.take_secret("client_secret").expect("a success has a secret");
    let life = secret.life().as_millis() as i64;
    let most = if operation == "client_secrets.create_v2" { 1_800_000 } else { 60_000 };
    assert!((1..=most).contains(&life), "a life of {life} ms");
    assert!(!format!("{response:?}{secret:?}{secret}").contains("test-secret"));
    let read = secret.read().expect("it lives").to_owned();
    let taken = secret.take().expect("it lives");
    assert_eq!(read, *taken);
    json!({
        "status": "PLQ_OK", "http_status": response.http_status, "trace_id": response.trace_id, "secret": *taken, "life_ms": life,
        "attempts": response.attempts.len(), "attempt_list": attempts(&response.attempts)
    })
}

fn failure(error: &Error) -> Value {
    let failure = error.failure().unwrap_or_else(|| panic!("an error of the binding: {error:?}"));
    let service = failure.service.clone().unwrap_or_default();
    json!({
        "status": failure.status.name(), "kind": error.kind().name(), "phase": failure.phase.name(), "delivery": error.delivery().name(),
        "http_status": error.http_status().unwrap_or(0), "repeatable": i32::from(error.is_repeatable()),
        "retry_after_ms": error.retry_after().map_or(-1, |wait| wait.as_millis() as i64), "message": error.to_string(),
        "field": error.field(), "service_code": service.code, "service_message": service.message, "details": service.details,
        "trace_id": error.trace_id(), "attempts": failure.attempts.len(), "attempt_list": attempts(&failure.attempts)
    })
}

// ---- comparing ----

fn is_nothing(got: &Value) -> bool {
    match got {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Number(number) => number.as_i64().is_some_and(|number| number <= 0),
        _ => false,
    }
}

fn compare(problems: &mut Vec<String>, what: &str, expected: &Value, got: &Value) {
    let fits = match expected {
        Value::Null => is_nothing(got),
        Value::Array(list) => {
            let other = got.as_array();
            if let Some(other) = other.filter(|other| other.len() == list.len()) {
                for (i, (expected, got)) in list.iter().zip(other).enumerate() {
                    compare(problems, &format!("{what}[{i}]"), expected, got);
                }
            }
            other.is_some_and(|other| other.len() == list.len())
        }
        Value::Object(rule) if rule.contains_key("match") => {
            let pattern = regex::Regex::new(rule["match"].as_str().expect("a pattern")).expect("a regular expression");
            got.as_str().is_some_and(|text| pattern.is_match(text))
        }
        Value::Object(rule) if rule.contains_key("contains") => {
            let parts = rule["contains"].as_array().expect("a list");
            parts.iter().all(|part| got.as_str().is_some_and(|text| text.contains(part.as_str().expect("a text"))))
        }
        Value::Object(rule) if rule.contains_key("min") || rule.contains_key("max") => {
            got.as_i64().is_some_and(|number| {
                number >= rule.get("min").and_then(Value::as_i64).unwrap_or(i64::MIN)
                    && number <= rule.get("max").and_then(Value::as_i64).unwrap_or(i64::MAX)
            })
        }
        Value::Object(members) => {
            for (key, value) in members {
                compare(problems, &format!("{what}.{key}"), value, &got[key]);
            }
            got.is_object()
        }
        expected => expected == got,
    };
    if !fits {
        let cut = |value: &Value| value.to_string().chars().take(400).collect::<String>();
        problems.push(format!("{what}: expected {}, got {}", cut(expected), cut(got)));
    }
}

type Door = fn(&Client, &Request) -> Result<Response, Error>;

const DOORS: [(&str, Door); 3] = [
    ("blocking", |client, request| client.call(request)),
    ("cancellable", |client, request| client.cancellable()?.call(request)),
    ("async", |client, request| futures_executor::block_on(client.to_async()?.call(request))),
];

fn play(case: &Case, door: Door) -> Vec<String> {
    let operation = case.0.get("operation").and_then(Value::as_str).unwrap_or("client_secrets.create");
    let result = client(case).and_then(|client| door(&client, &request(case)?));
    let mut problems = Vec::new();
    let got = match result {
        Ok(response) => success(response, operation),
        Err(error) => {
            let texts = format!("{error}\n{error:?}\n{error:#?}");
            for canary in ["test-key", "test-secret", "test-private"] {
                if texts.contains(canary) {
                    problems.push(format!("{canary}... leaked into {texts}"));
                }
            }
            failure(&error)
        }
    };
    for (key, expected) in case.outcome().as_object().expect("an outcome") {
        if key != "requests" && key != "connections" {
            compare(&mut problems, key, expected, &got[key]);
        }
    }
    problems
}

#[test]
fn all() {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/vectors");
    let folder = std::env::var_os("PLASTIQ_VECTORS").map_or(default, PathBuf::from);
    assert!(folder.is_dir(), "{} is no folder; PLASTIQ_VECTORS names the one of the vectors", folder.display());
    let (mut runs, mut failed) = (0, Vec::new());
    let mut left_out = std::collections::BTreeMap::<String, u32>::new();
    let cases = cases(&folder);
    for case in &cases {
        if let Some(why) = case.unable() {
            *left_out.entry(why.to_owned()).or_default() += 1;
            continue;
        }
        for (name, door) in DOORS {
            runs += 1;
            let problems = play(case, door);
            if !problems.is_empty() {
                failed.push(format!("{}/{name}\n  {}", case.name(), problems.join("\n  ")));
            }
        }
    }
    println!("{} vectors: {runs} runs, {} failed; not run: {left_out:?}", cases.len(), failed.len());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(runs > 300, "only {runs} runs");
}
