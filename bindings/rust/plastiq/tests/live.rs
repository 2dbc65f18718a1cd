// SPDX-License-Identifier: MIT
//! Against the emulator over TLS, with the transport that PLASTIQ_TRANSPORT names and nothing else in the code does.
//!
//! `PLASTIQ_TEST_EMULATOR=/path/of/plastiq-emulator cargo test --test live -- --ignored --skip child`

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{PAYER, SECRET, TOKEN, eventually, threads};
use futures_executor::block_on;
use futures_util::future::join_all;
use openssl::ssl::{SslConnector, SslMethod};
use plastiq::{AsyncClient, Client, ClientBuilder, CreateParams, Created, Delivery, Error, Status};
use serde_json::{Value, json};

/// plastiq-emulator on a free port, with a throwaway CA.
struct Emulator {
    process: Child,
    folder: PathBuf,
    url: String,
    ca: String,
    port: u16,
}

impl Emulator {
    fn start(name: &str) -> Self {
        let program = std::env::var_os("PLASTIQ_TEST_EMULATOR").expect("PLASTIQ_TEST_EMULATOR names the emulator");
        let folder = std::env::temp_dir().join(format!("plastiq-rust-live-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let ready = folder.join("ready");
        let mut command = Command::new(program);
        command.arg("--make-ca").arg(folder.join("ca")).arg("--ready-file").arg(&ready).args(["--log", "none"]);
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("the emulator");
        // Made first, so that it is ended whatever goes wrong below.
        let mut made = Emulator { process, folder, url: String::new(), ca: String::new(), port: 0 };
        eventually("the emulator is ready", || ready.exists());
        let facts: Value =
            serde_json::from_str(&std::fs::read_to_string(&ready).expect("a file")).expect("its ready line");
        let text = |key: &str| facts[key].as_str().expect("a text").to_owned();
        made.port = u16::try_from(facts["port"].as_u64().expect("a number")).expect("a port");
        (made.url, made.ca) = (text("url"), text("ca"));
        made
    }

    fn builder(&self) -> ClientBuilder {
        // The transport is left to the environment.
        Client::builder()
            .access_token(TOKEN)
            .base_url(&self.url)
            .ca_file(&self.ca)
            .backoff_base(Duration::from_millis(1))
    }

    fn client(&self) -> Client {
        let client = self.builder().build().expect("a client");
        let wanted = std::env::var("PLASTIQ_TRANSPORT").unwrap_or_else(|_| "curl".to_owned());
        assert_eq!(client.transport().expect("its facts").name, wanted);
        client
    }

    fn http(&self, method: &str, path: &str, bearer: Option<&str>, body: &Value) -> (u16, Value) {
        let mut connector = SslConnector::builder(SslMethod::tls()).expect("TLS");
        connector.set_ca_file(&self.ca).expect("the CA");
        let socket = TcpStream::connect(("127.0.0.1", self.port)).expect("a connection");
        let mut stream = connector.build().connect("127.0.0.1", socket).expect("TLS");
        let body = body.to_string();
        let bearer = bearer.map_or(String::new(), |token| format!("Authorization: Bearer {token}\r\n"));
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nUser-Agent: test\r\nAccept: application/json\r\n\
             Content-Type: application/json\r\n{bearer}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .expect("it is sent");
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8(answer).expect("a text");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).expect("a status").parse().expect("a number");
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }

    fn admin(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, answer) = self.http(method, &format!("/_emulator/{path}"), None, body);
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// What the browser does with a secret.
    fn spend(&self, secret: &str) -> u16 {
        self.http("POST", "/api/payment-methods", Some(secret), &json!({})).0
    }

    fn requests(&self) -> u64 {
        self.admin("GET", "state", &Value::Null)["requests"].as_u64().expect("a number")
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn create(client: &Client) -> Result<Created, Error> {
    client
        .client_secrets()
        .create(CreateParams::new().payer_id(PAYER).user_agent("Mozilla/5.0").end_user_ip("192.0.2.1"))
}

/// Blocking and awaited, on a thread and in tokio: what fits all, runs in all.
fn each(client: &Client, mut check: impl FnMut(&dyn Fn() -> Result<Created, Error>)) {
    check(&|| create(client));
    let queue = client.to_async_with_thread().expect("a queue");
    check(&|| block_on(queue.client_secrets().create(CreateParams::new())));
    #[cfg(feature = "tokio")]
    {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let queue = runtime.block_on(async { client.to_async().expect("a queue") });
        check(&|| runtime.block_on(queue.client_secrets().create(CreateParams::new())));
    }
}

#[test]
#[ignore = "it needs the emulator"]
fn a_secret_works_once() {
    let emulator = Emulator::start("once");
    each(&emulator.client(), |create| {
        let mut created = create().expect("a secret");
        assert!(created.trace_id.is_some() && created.http_status == 200);
        let secret = created.client_secret.take().expect("it lives");
        assert!(secret.starts_with(SECRET));
        assert_eq!(emulator.spend(&secret), 201, "it is used");
        assert_eq!(emulator.spend(&secret), 401, "it is used twice");
    });
}

#[test]
#[ignore = "it needs the emulator"]
fn a_secret_expires() {
    let emulator = Emulator::start("expires");
    each(&emulator.client(), |create| {
        let created = create().expect("a secret");
        emulator.admin("POST", "clock", &json!({"advance_ms": 61_000}));
        assert_eq!(emulator.spend(created.client_secret.read().expect("our clock was not moved")), 401);
    });
}

#[test]
#[ignore = "it needs the emulator"]
fn a_token_is_rotated() {
    let emulator = Emulator::start("rotated");
    let client = emulator.client();
    each(&client, |create| {
        client.set_tokens(Some(TOKEN), None).expect("a token");
        emulator.admin("PUT", "keys", &json!({"keys": [TOKEN], "forbidden": []}));
        create().expect("a secret");
        emulator.admin("PUT", "keys", &json!({"keys": ["test-key-new"], "forbidden": ["test-key-forbidden"]}));
        let error = create().expect_err("the key was rotated");
        assert!(matches!(&error, Error::Http(failure) if failure.http_status == Some(401)), "{error:?}");
        assert_eq!(error.service().and_then(|said| said.code.as_deref()), Some("AUTHORIZATION_ERROR"));
        client.set_tokens(Some(TOKEN), Some("test-key-new")).expect("tokens");
        create().expect("the second one is tried");
        client.set_tokens(Some("test-key-forbidden"), None).expect("a token");
        assert_eq!(create().expect_err("forbidden").http_status(), Some(403));
    });
}

#[test]
#[ignore = "it needs the emulator"]
fn a_retry_after_is_honoured_or_exposed() {
    let emulator = Emulator::start("retry");
    each(&emulator.client(), |create| {
        emulator.admin("POST", "faults", &json!([{"status": 503, "retry_after": 1}]));
        let began = Instant::now();
        create().expect("after a second");
        assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
        emulator.admin("POST", "faults", &json!([{"status": 503, "retry_after": 3600}]));
        let error = create().expect_err("it does not fit into the deadline");
        assert_eq!((error.http_status(), error.retry_after()), (Some(503), Some(Duration::from_secs(3600))));
        assert!(error.is_repeatable());
    });
}

#[test]
#[ignore = "it needs the emulator"]
fn a_call_in_flight_is_cancelled() {
    let emulator = Emulator::start("cancel");
    let client = emulator.client();
    emulator.admin("POST", "faults", &json!([{"count": 2, "path": "/client-secrets", "delay_ms": 20_000}]));
    let before = emulator.requests();
    let call = client.cancellable().expect("a call");
    std::thread::scope(|scope| {
        let running = scope.spawn(|| call.client_secrets().create(CreateParams::new()));
        eventually("it is sent", || emulator.requests() == before + 1);
        call.cancel();
        let error = running.join().expect("it ends").expect_err("it was cancelled");
        assert!(matches!(error, Error::Cancelled(_)) && error.delivery() == Delivery::MaybeSent, "{error:?}");
    });
    let queue = client.to_async_with_thread().expect("a queue");
    let mut future = Box::pin(queue.client_secrets().create(CreateParams::new()));
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(std::future::Future::poll(future.as_mut(), &mut cx).is_pending());
    eventually("it is sent", || emulator.requests() == before + 2);
    drop(future);
    eventually("it is gone", || queue.queue_stats().expect("it lives").in_flight == 0);
    assert_eq!(client.stats().expect("it lives").calls_failed, 2);
}

async fn thousand(queue: &AsyncClient) {
    let calls = (0..1000).map(|_| queue.client_secrets().create(CreateParams::new().timeout(Duration::from_secs(60))));
    let outcomes = join_all(calls).await;
    let secrets: std::collections::HashSet<_> = outcomes
        .iter()
        .map(|outcome| outcome.as_ref().expect("a secret").client_secret.read().expect("it lives"))
        .collect();
    assert_eq!(secrets.len(), 1000);
}

#[test]
#[ignore = "it needs the emulator"]
fn a_thousand_at_once() {
    let emulator = Emulator::start("thousand");
    let client = emulator.client();
    let before = threads().len();
    block_on(thousand(&client.to_async_with_thread().expect("a queue")));
    #[cfg(feature = "tokio")]
    {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async { thousand(&client.to_async().expect("a queue")).await });
    }
    assert!(threads().len() < before + 30, "{:?}", threads());
    let stats = client.stats().expect("it lives");
    assert!(stats.connections_opened <= 200 && stats.connections_reused > 0, "{stats:?}");
}

#[test]
#[ignore = "it needs the emulator"]
fn closing_with_calls_in_flight() {
    let emulator = Emulator::start("closing");
    let client = emulator.client();
    emulator.admin("POST", "faults", &json!([{"count": 20, "path": "/client-secrets", "delay_ms": 20_000}]));
    let queue = client.to_async_with_thread().expect("a queue");
    let waiting: Vec<_> = (0..5)
        .map(|_| {
            let (client, queue) = (client.clone(), queue.clone());
            (
                std::thread::spawn(move || create(&client)),
                std::thread::spawn(move || block_on(queue.client_secrets().create(CreateParams::new()))),
            )
        })
        .collect();
    eventually("they are sent", || client.stats().expect("it lives").calls_in_flight == 10);
    let began = Instant::now();
    client.close(Duration::from_secs(10)).expect("they end at once");
    for (blocking, awaited) in waiting {
        for outcome in [blocking, awaited].map(|thread| thread.join().expect("it ends")) {
            assert!(matches!(outcome, Err(Error::Cancelled(_) | Error::Closed)), "{outcome:?}");
        }
    }
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[test]
#[ignore = "it needs the emulator"]
fn connections_are_opened_ahead() {
    let emulator = Emulator::start("warm");
    let client = emulator.client();
    assert_eq!(client.warm(2, Duration::from_secs(10)).expect("they open"), 2);
    let created = client.client_secrets().create(CreateParams::new().with_attempts()).expect("a secret");
    assert!(created.attempts[0].reused && created.attempts[0].tls_version == Some(0x0304), "{:?}", created.attempts);
    let queue = client.to_async_with_thread().expect("a queue");
    assert_eq!(block_on(queue.warm(3, Duration::from_secs(10))).expect("they open"), 3);
    let created = block_on(queue.client_secrets().create(CreateParams::new().with_attempts())).expect("a secret");
    assert!(created.attempts[0].reused, "{:?}", created.attempts);
    assert_eq!(queue.queue_stats().expect("it lives").connections_open, Some(3));
}

#[test]
#[ignore = "it needs the emulator"]
fn another_ca_is_not_trusted() {
    let (emulator, other) = (Emulator::start("ca"), Emulator::start("other-ca"));
    let before = emulator.requests();
    let client = emulator.builder().ca_file(&other.ca).build().expect("a client");
    let error = create(&client).expect_err("nobody vouches for it");
    assert!(matches!(error, Error::Verify(_)) && error.delivery() == Delivery::NotSent, "{error:?}");
    assert_eq!(emulator.requests(), before);
}

/// In the child a client works, on connections of its own, and an asynchronous client of the parent says why not. The parent goes on.
#[test]
#[ignore = "it needs the emulator"]
fn a_process_forks() {
    let emulator = Emulator::start("fork");
    let client = emulator.client();
    let queue = client.to_async_with_thread().expect("a queue");
    create(&client).expect("a secret");
    block_on(queue.client_secrets().create(CreateParams::new())).expect("a secret");
    let in_child = {
        let (client, queue) = (client.clone(), queue.clone());
        move || {
            // Only a number comes back from there.
            let wrong = |what: &str| {
                eprintln!("in the child: {what}");
                Err(std::io::Error::other(what))
            };
            let Ok(created) = create(&client) else { return wrong("the client does not work") };
            if !created.client_secret.read().is_ok_and(|secret| secret.starts_with(SECRET)) {
                return wrong("the secret is none");
            }
            match block_on(queue.client_secrets().create(CreateParams::new())) {
                Err(error) if error.status() == Some(Status::FORKED) => {}
                _ => return wrong("the parent's queue does not say that it is the parent's"),
            }
            match client
                .to_async_with_thread()
                .map(|queue| block_on(queue.client_secrets().create(CreateParams::new())))
            {
                Ok(Ok(_)) => Ok(()),
                _ => wrong("another queue does not work"),
            }
        }
    };
    let mut command = Command::new("true");
    // SAFETY: after fork the closure allocates and starts a thread, which the C library's fork allows.
    unsafe { std::os::unix::process::CommandExt::pre_exec(&mut command, in_child) };
    let before = emulator.requests();
    assert!(command.status().expect("all is well in the child").success());
    assert_eq!(emulator.requests(), before + 2);
    let reused = |attempts: &[plastiq::Attempt]| attempts.iter().all(|attempt| attempt.reused);
    let created = client.client_secrets().create(CreateParams::new().with_attempts()).expect("a secret");
    assert!(reused(&created.attempts), "{:?}", created.attempts);
    let created = block_on(queue.client_secrets().create(CreateParams::new().with_attempts())).expect("a secret");
    assert!(reused(&created.attempts), "{:?}", created.attempts);
}

/// A process that ends while it is idle, or with calls in flight, ends at once and well.
#[test]
#[ignore = "it needs the emulator"]
fn a_process_ends() {
    let emulator = Emulator::start("exit");
    emulator.admin("POST", "faults", &json!([{"count": 100, "path": "/v2/client-secrets", "delay_ms": 20_000}]));
    for how in ["idle", "in-flight"] {
        let began = Instant::now();
        let mut child = Command::new(std::env::current_exe().expect("this test"));
        child.args(["--exact", "child", "--nocapture", "--ignored"]).env("PLASTIQ_TEST_CHILD", how);
        child.env("PLASTIQ_TEST_URL", &emulator.url).env("PLASTIQ_TEST_CA", &emulator.ca);
        let done = child.output().expect("it runs");
        assert_eq!(done.status.code(), Some(7), "{how}: {done:?}");
        assert!(began.elapsed() < Duration::from_secs(5), "{how}: {:?}", began.elapsed());
    }
}

#[test]
#[ignore = "the process that a_process_ends watches"]
fn child() {
    let (Ok(how), Ok(url), Ok(ca)) =
        (std::env::var("PLASTIQ_TEST_CHILD"), std::env::var("PLASTIQ_TEST_URL"), std::env::var("PLASTIQ_TEST_CA"))
    else {
        return;
    };
    let client = Client::builder().access_token(TOKEN).base_url(url).ca_file(ca).build().expect("a client");
    create(&client).expect("a secret");
    let queue = client.to_async_with_thread().expect("a queue");
    block_on(queue.client_secrets().create(CreateParams::new())).expect("a secret");
    if how == "in-flight" {
        let other = client.clone();
        std::thread::spawn(move || other.client_secrets().create_v2(CreateParams::new()));
        let awaited = queue.client_secrets().create_v2(CreateParams::new());
        std::thread::spawn(move || block_on(awaited));
        eventually("they run", || client.stats().expect("it lives").calls_in_flight == 2);
    }
    std::process::exit(7);
}
