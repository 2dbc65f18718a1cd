// SPDX-License-Identifier: MIT
//! Makes a client secret, and says what to do if that fails.
//!
//! Address, token and transport come from PLASTIQ_ variables: PLASTIQ_BASE_URL, PLASTIQ_CA_FILE and PLASTIQ_ACCESS_TOKEN for the emulator.
//! With the word `stub` it runs without network.

use plastiq::{Client, CreateParams, Delivery, Error};

fn main() -> std::process::ExitCode {
    match run() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            match &error {
                Error::Http(failure) if matches!(failure.http_status, Some(401 | 403)) => {
                    eprintln!("look at the API key")
                }
                Error::Verify(_) => eprintln!("do not go on: find out who answers"),
                error if error.is_repeatable() => {
                    eprintln!("try again after {:?}", error.retry_after().unwrap_or_default())
                }
                error if error.delivery() == Delivery::NotSent => {
                    eprintln!("mend {}", error.field().unwrap_or("what it names"))
                }
                _ => {}
            }
            std::process::ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Error> {
    let mut builder = Client::builder();
    if std::env::args().nth(1).as_deref() == Some("stub") {
        builder = builder.transport("stub").allow_test_transports(true).access_token("test-key-0000000000000000");
    }
    let client = builder.build()?;
    let params = CreateParams::new()
        .payer_id("3f2b8c1e-7d4a-4c6b-9e0f-1a2b3c4d5e6f")
        .user_agent("Mozilla/5.0")
        .end_user_ip(std::net::Ipv4Addr::new(192, 0, 2, 1));
    let created = client.client_secrets().create(params)?;
    let secret = &created.client_secret;
    println!("a secret of {} bytes, which lives for {:?}", secret.read()?.len(), secret.life());
    println!("in a log it is {secret}; the service knows the call as {}", created.trace_id.as_deref().unwrap_or("-"));
    Ok(())
}
