// SPDX-License-Identifier: MIT
//! A driver that is a thread: it sleeps in the library until there is something to do.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::{Shared, Turn};
use crate::Error;

/// How long to wait before a queue that cannot work, for lack of descriptors for instance, is tried again.
const AGAIN: Duration = Duration::from_millis(20);

pub(super) fn start(shared: &Arc<Shared>) -> Result<(), Error> {
    let shared = shared.clone();
    let started = thread::Builder::new().name("plastiq".to_owned()).spawn(move || run(&shared));
    started.map(drop).map_err(Error::Thread)
}

/// Whichever way the thread ends, nobody waits for it afterwards.
struct Ending<'a>(&'a Shared);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.end_driver();
    }
}

fn run(shared: &Shared) {
    let _ending = Ending(shared);
    loop {
        shared.warm();
        match shared.turn(Duration::MAX) {
            Turn::Empty | Turn::More => {}
            Turn::Trouble => thread::sleep(AGAIN),
            Turn::End => break,
        }
    }
}
