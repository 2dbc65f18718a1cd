// SPDX-License-Identifier: MIT
//! What tests share.
#![allow(dead_code, reason = "each test uses some of it")]

use plastiq::{Client, ClientBuilder};

pub(crate) const TOKEN: &str = "test-key-0000000000000000";
/// What every secret of the emulator and the stub begins with.
pub(crate) const SECRET: &str = "cs_test_";
pub(crate) const PAYER: &str = "3f2b8c1e-7d4a-4c6b-9e0f-1a2b3c4d5e6f";

/// Answers inside the process.
pub(crate) fn stub() -> ClientBuilder {
    bare().transport("stub").allow_test_transports(true).access_token(TOKEN)
}

/// Without what the environment says, but for the folder of a library that lies in another prefix than it was configured for.
pub(crate) fn bare() -> ClientBuilder {
    let builder = Client::builder_without_environment();
    match std::env::var_os("PLASTIQ_TRANSPORT_DIR") {
        Some(folder) => builder.transport_dir(folder),
        None => builder,
    }
}

/// The same, with what each attempt gets.
pub(crate) fn scripted(script: &str) -> ClientBuilder {
    stub().option("stub.script", script).backoff_base(std::time::Duration::from_millis(1))
}

pub(crate) fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("Linux").count()
}

pub(crate) fn resident_kib() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    pages.split_whitespace().nth(1).expect("a second number").parse::<u64>().expect("a number") * 4
}

pub(crate) fn threads() -> Vec<String> {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
    tasks
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok())
        .map(|name| name.trim().to_owned())
        .collect()
}

/// Waits until something is so; for what another thread does soon.
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..2000 {
        if is_so() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    panic!("never: {what}");
}
