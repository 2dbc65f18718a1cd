// SPDX-License-Identifier: MIT
//! Cancels a call that blocks, from another thread. Runs without network, on a stub that never answers.

use std::time::Duration;

use plastiq::{Client, CreateParams, Error};

fn main() -> Result<(), Error> {
    let client = Client::builder()
        .access_token("test-key-0000000000000000")
        .transport("stub")
        .allow_test_transports(true)
        .option("stub.script", r#"[{"hang": true}]"#)
        .timeout(Duration::MAX)
        .build()?;
    let call = client.cancellable()?;
    let other = call.clone();
    let canceller = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        other.cancel();
    });
    let outcome = call.client_secrets().create(CreateParams::new());
    canceller.join().expect("a thread that does not panic");
    match outcome {
        Err(Error::Cancelled(failure)) => println!("{failure}; the request was {}", failure.delivery),
        Err(error) => return Err(error),
        Ok(_) => println!("it was faster"),
    }
    Ok(())
}
