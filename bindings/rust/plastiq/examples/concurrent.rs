// SPDX-License-Identifier: MIT
//! Makes a hundred client secrets at once, in tokio; one that takes too long is dropped, which cancels it.
//!
//! Address, token and transport come from PLASTIQ_ variables. With the word `stub` it runs without network.

use std::time::Duration;

use futures_util::future::join_all;
use plastiq::{Client, CreateParams, Error};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut builder = Client::builder();
    if std::env::args().nth(1).as_deref() == Some("stub") {
        builder = builder.transport("stub").allow_test_transports(true).access_token("test-key-0000000000000000");
    }
    let client = builder.build_async()?;
    let calls = (0..100).map(|_| {
        let call = client.client_secrets().create(CreateParams::new());
        tokio::spawn(tokio::time::timeout(Duration::from_secs(10), call))
    });
    let (mut made, mut failed) = (0, 0);
    for outcome in join_all(calls).await {
        match outcome.expect("a task that does not panic") {
            Ok(Ok(_created)) => made += 1,
            Ok(Err(error)) => {
                eprintln!("{error}");
                failed += 1;
            }
            Err(_too_late) => failed += 1,
        }
    }
    println!("{made} made, {failed} failed, {:?} connections", client.queue_stats()?.connections_open);
    client.close().await
}
