// SPDX-License-Identifier: MIT
//! The Rust program of the benchmark: one call after the other, or several at once, over kept connections.
//!
//! --job blocking | async | reqwest | reqwest-async, and --job async-thread | async-multi | reqwest-async-multi for other drivers and runtimes.
//! With --calls N it makes N calls and ends, after --first M that do not count; otherwise it makes as many as each line of its input says,
//! and answers with what they cost.

use std::error::Error;
use std::future::Future;
use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

use futures_util::stream::{FuturesUnordered, StreamExt};
use plastiq::{AsyncClient, Client, CreateParams};

const TOKEN: &str = "test-key-0000000000000000";
const PAYER: &str = "3f2b8c1e-7d4a-4c6b-9e0f-1a2b3c4d5e6f";
const IP: &str = "192.0.2.1";
const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
const TRACE_ID: &str = "1b4e28ba-2fa1-4d20-883f-0016d3cca427";

const TIMEOUT: Duration = Duration::from_secs(15); // what a call of libplastiq has unless it says otherwise

type Outcome = Result<(), Box<dyn Error>>;

struct Settings {
    job: String,
    transport: String,
    transport_dir: Option<String>,
    port: u16,
    ca_file: String,
    in_flight: usize,
    max_connections: Option<u64>,
    calls: Option<u64>,
    first: u64,
}

fn settings() -> Result<Settings, Box<dyn Error>> {
    let mut made = Settings {
        job: "blocking".into(),
        transport: "openssl".into(),
        transport_dir: None,
        port: 0,
        ca_file: String::new(),
        in_flight: 1,
        max_connections: None,
        calls: None,
        first: 0,
    };
    let mut words = std::env::args().skip(1);
    while let Some(name) = words.next() {
        let value = words.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--job" => made.job = value,
            "--transport" => made.transport = value,
            "--transport-dir" => made.transport_dir = Some(value),
            "--port" => made.port = value.parse()?,
            "--ca-file" => made.ca_file = value,
            "--in-flight" => made.in_flight = value.parse::<usize>()?.max(1),
            "--max-connections" => made.max_connections = Some(value.parse()?),
            "--calls" => made.calls = Some(value.parse()?),
            "--first" => made.first = value.parse()?,
            _ => return Err(format!("there is no option {name}").into()),
        }
    }
    Ok(made)
}

/// All threads of the process, user and system.
fn cpu() -> Duration {
    // SAFETY: all zeros is a value of it.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer lives.
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut usage) };
    let time = |value: libc::timeval| Duration::new(value.tv_sec as u64, value.tv_usec as u32 * 1000);
    time(usage.ru_utime) + time(usage.ru_stime)
}

// ---- ours ----

fn client(settings: &Settings) -> Result<Client, plastiq::Error> {
    let mut builder = Client::builder_without_environment();
    if let Some(folder) = &settings.transport_dir {
        builder = builder.transport_dir(folder);
    }
    if let Some(most) = settings.max_connections {
        builder = builder.max_connections(most);
    }
    builder
        .access_token(TOKEN)
        .transport(&settings.transport)
        .base_url(format!("https://127.0.0.1:{}/api", settings.port))
        .ca_file(&settings.ca_file)
        .build()
}

fn params() -> CreateParams {
    CreateParams::new().payer_id(PAYER).user_agent(AGENT).end_user_ip(IP)
}

async fn ours(client: &AsyncClient) -> Outcome {
    let created = client.client_secrets().create(params()).await?;
    assert!(!created.client_secret.read()?.is_empty());
    Ok(())
}

// ---- theirs ----

fn body() -> serde_json::Value {
    serde_json::json!({"payer": {"id": PAYER}})
}

fn secret_of(reply: &serde_json::Value) -> Outcome {
    assert!(!reply["clientSecret"].as_str().ok_or("no secret")?.is_empty());
    Ok(())
}

macro_rules! post {
    ($client:expr, $url:expr) => {
        $client
            .post($url)
            .bearer_auth(TOKEN)
            .header("Accept", "application/json")
            .header("User-Agent", AGENT)
            .header("End-User-Ip", IP)
            .header("Trace-Id", TRACE_ID)
            .json(&body())
    };
}

async fn theirs(client: &reqwest::Client, url: &str) -> Outcome {
    secret_of(&post!(client, url).send().await?.error_for_status()?.json().await?)
}

// ---- runs ----

async fn in_flight<F: Future<Output = Outcome>>(calls: u64, most: usize, call: impl Fn() -> F) -> Outcome {
    if most == 1 {
        for _ in 0..calls {
            call().await?;
        }
        return Ok(());
    }
    let mut running = FuturesUnordered::new();
    for _ in 0..calls {
        if running.len() == most {
            running.next().await.expect("some run")?;
        }
        running.push(call());
    }
    while let Some(outcome) = running.next().await {
        outcome?;
    }
    Ok(())
}

fn take_orders(settings: &Settings, mut run: impl FnMut(u64) -> Outcome) -> Outcome {
    run(settings.first)?;
    let mut answer = |calls: u64| -> Outcome {
        let (wall, before) = (Instant::now(), cpu());
        run(calls)?;
        let (used, wall) = (cpu() - before, wall.elapsed());
        println!(
            "{}",
            serde_json::json!({"calls": calls, "cpu_us": used.as_micros() as u64, "cpu_s": used.as_secs_f64(), "wall_us": wall.as_micros() as u64})
        );
        Ok(std::io::stdout().flush()?)
    };
    match settings.calls {
        Some(calls) => answer(calls),
        None => {
            for line in std::io::stdin().lock().lines() {
                answer(line?.trim().parse()?)?;
            }
            Ok(())
        }
    }
}

fn main() -> Outcome {
    let settings = settings()?;
    let most = settings.in_flight;
    let url = format!("https://127.0.0.1:{}/api/client-secrets", settings.port);
    let runtime = |multi: bool| {
        let mut builder =
            if multi { tokio::runtime::Builder::new_multi_thread() } else { tokio::runtime::Builder::new_current_thread() };
        builder.enable_all().build()
    };
    let certificate = reqwest::Certificate::from_pem(&std::fs::read(&settings.ca_file)?)?;
    match settings.job.as_str() {
        "blocking" => {
            let client = client(&settings)?;
            take_orders(&settings, |calls| {
                for _ in 0..calls {
                    let created = client.client_secrets().create(params())?;
                    assert!(!created.client_secret.read()?.is_empty());
                }
                Ok(())
            })
        }
        "async" | "async-multi" => {
            let runtime = runtime(settings.job == "async-multi")?;
            let client = client(&settings)?;
            let client = runtime.block_on(async { client.to_async() })?;
            take_orders(&settings, |calls| runtime.block_on(in_flight(calls, most, || ours(&client))))
        }
        "async-thread" => {
            let client = client(&settings)?.to_async_with_thread()?;
            take_orders(&settings, |calls| futures_executor::block_on(in_flight(calls, most, || ours(&client))))
        }
        "reqwest" => {
            let client = reqwest::blocking::Client::builder().tls_certs_only([certificate]).no_proxy().timeout(TIMEOUT).build()?;
            take_orders(&settings, |calls| {
                for _ in 0..calls {
                    secret_of(&post!(client, &url).send()?.error_for_status()?.json()?)?;
                }
                Ok(())
            })
        }
        "reqwest-async" | "reqwest-async-multi" => {
            let runtime = runtime(settings.job == "reqwest-async-multi")?;
            let client = reqwest::Client::builder().tls_certs_only([certificate]).no_proxy().timeout(TIMEOUT).build()?;
            take_orders(&settings, |calls| runtime.block_on(in_flight(calls, most, || theirs(&client, &url))))
        }
        other => Err(format!("there is no job {other}").into()),
    }
}
