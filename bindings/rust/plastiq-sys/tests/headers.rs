// SPDX-License-Identifier: MIT
//! Has a C compiler compare each declaration and each constant of this crate with the installed headers.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

const SOURCE: &str = include_str!("../src/generated.rs");

/// From the type as this crate has it to the type as C has it.
fn c_type(rust: &str) -> String {
    if let Some(inner) = rust.strip_prefix("*const ") {
        return if inner.starts_with('*') {
            format!("{} const *", c_type(inner))
        } else {
            format!("const {} *", c_type(inner))
        };
    }
    if let Some(inner) = rust.strip_prefix("*mut ") {
        return format!("{} *", c_type(inner));
    }
    match rust {
        "i32" | "u32" | "i64" | "u64" | "u8" => {
            format!("{}int{}_t", if rust.starts_with('u') { "u" } else { "" }, &rust[1..])
        }
        "usize" => "size_t".to_owned(),
        "c_int" => "int".to_owned(),
        "c_char" => "char".to_owned(),
        "c_void" => "void".to_owned(),
        other => other.to_owned(),
    }
}

/// The declarations with all white space made one space: rustfmt may have broken lines.
fn one_line() -> String {
    let code = SOURCE.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join(" ");
    code.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn functions() -> Vec<(String, String, Vec<String>)> {
    let code = one_line();
    code.split("pub fn ")
        .skip(1)
        .map(|rest| {
            let (name, rest) = rest.split_once('(').expect("arguments");
            let (arguments, rest) = rest.split_once(')').expect("an end");
            let result = rest.split_once(';').expect("an end").0.trim();
            let result = result.strip_prefix("-> ").map_or("void".to_owned(), c_type);
            let arguments = arguments
                .split(',')
                .filter_map(|argument| argument.split_once(": "))
                .map(|(_, kind)| c_type(kind.trim()));
            (name.to_owned(), result, arguments.collect())
        })
        .collect()
}

fn constants() -> Vec<(String, String, String)> {
    let code = one_line();
    code.split("pub const ")
        .skip(1)
        .map(|rest| {
            let (name, rest) = rest.split_once(": ").expect("a type");
            let (kind, rest) = rest.split_once(" = ").expect("a value");
            (name.to_owned(), kind.to_owned(), rest.split_once(';').expect("an end").0.to_owned())
        })
        .collect()
}

fn checks() -> String {
    let mut c = String::from("#include <plastiq/plastiq.h>\n#include <string.h>\n");
    for (name, result, arguments) in functions() {
        let arguments = if arguments.is_empty() { "void".to_owned() } else { arguments.join(", ") };
        writeln!(c, "_Static_assert(_Generic(&{name}, {result} (*)({arguments}): 1, default: 0), \"{name}\");")
            .expect("memory");
    }
    for (name, kind, value) in constants() {
        if kind == "&CStr" {
            let text = value.strip_prefix('c').expect("a C text");
            writeln!(
                c,
                "_Static_assert(sizeof {name} == sizeof {text} && __builtin_strcmp({name}, {text}) == 0, \"{name}\");"
            )
            .expect("memory");
        } else {
            let value = value.replace("usize::MAX", "SIZE_MAX");
            let cast = c_type(&kind);
            writeln!(c, "_Static_assert({name} == ({cast})({value}), \"{name}\");").expect("memory");
        }
    }
    c
}

fn compile(code: &str) -> Result<(), String> {
    let library =
        pkg_config::Config::new().cargo_metadata(false).env_metadata(false).probe("plastiq").expect("libplastiq");
    let mut cc = Command::new(std::env::var("CC").unwrap_or_else(|_| "cc".to_owned()));
    cc.args(["-std=c11", "-fsyntax-only", "-Werror"])
        .args(library.include_paths.iter().map(|path| format!("-I{}", path.display())));
    cc.args(["-x", "c", "-"]).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut running = cc.spawn().expect("a C compiler");
    running.stdin.take().expect("a pipe").write_all(code.as_bytes()).expect("it reads");
    let done = running.wait_with_output().expect("a C compiler");
    if done.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&done.stderr).into_owned()) }
}

#[test]
fn declarations_are_those_of_the_headers() {
    assert!(functions().len() >= 90, "{} functions were found", functions().len());
    assert!(constants().len() >= 150, "{} constants were found", constants().len());
    if let Err(problems) = compile(&checks()) {
        panic!("{problems}");
    }
}

/// The check itself can fail: for a wrong type, and for a wrong value.
#[test]
fn a_wrong_declaration_is_noticed() {
    let right = checks();
    for (from, to) in [
        ("_Generic(&plq_features, uint64_t (*)", "_Generic(&plq_features, uint32_t (*)"),
        ("PLQ_E_HANDLE == (int32_t)(1002)", "PLQ_E_HANDLE == (int32_t)(1003)"),
    ] {
        let wrong = right.replace(from, to);
        assert_ne!(right, wrong, "{from} is not there");
        compile(&wrong).expect_err(from);
    }
}
