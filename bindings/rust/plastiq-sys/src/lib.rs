// SPDX-License-Identifier: MIT
#![doc = include_str!("../README.md")]
#![allow(non_camel_case_types)]
#![no_std]

#[allow(clippy::missing_safety_doc)]
mod generated;

pub use generated::*;
