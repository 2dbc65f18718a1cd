// SPDX-License-Identifier: MIT
//! Counts calls by how they end, from the events that the library tells, and prints what Prometheus scrapes.
//!
//! Address, token and transport come from PLASTIQ_ variables. With the word `stub` it runs without network.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use plastiq::{Client, CreateParams, Error};

fn main() -> Result<(), Error> {
    let calls = Arc::new(Mutex::new(BTreeMap::<String, u64>::new()));
    let counted = calls.clone();
    let mut builder = Client::builder().observe(move |event| {
        if event.name() == "call_end" {
            let status = event.text("status_name").unwrap_or("unknown").to_owned();
            *counted.lock().expect("nobody panics here").entry(status).or_default() += 1;
        }
    });
    if std::env::args().nth(1).as_deref() == Some("stub") {
        builder = builder.transport("stub").allow_test_transports(true).access_token("test-key-0000000000000000");
    }
    let client = builder.build()?;
    for _ in 0..3 {
        client.client_secrets().create(CreateParams::new())?;
    }
    println!("# TYPE plastiq_calls_total counter");
    for (status, count) in calls.lock().expect("nobody panics here").iter() {
        println!("plastiq_calls_total{{status=\"{status}\"}} {count}");
    }
    let stats = client.stats()?;
    println!("# TYPE plastiq_repeats_total counter\nplastiq_repeats_total {}", stats.repeats);
    Ok(())
}
