// SPDX-License-Identifier: MIT
//! Finds libplastiq by pkg-config, and says in one sentence what is missing if it does not.

const NEEDED: &str = "0.1.0";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // Documentation is built where nothing is installed.
    if std::env::var_os("DOCS_RS").is_some() {
        return;
    }
    let found = match pkg_config::Config::new().atleast_version(NEEDED).probe("plastiq") {
        Ok(found) => found,
        Err(reason) => {
            eprintln!(
                "plastiq-sys needs libplastiq {NEEDED} or a later one, and pkg-config does not find it: install libplastiq, \
                 and if its prefix is not the system's, name its folder lib/pkgconfig in PKG_CONFIG_PATH.\n\n{reason}"
            );
            std::process::exit(1);
        }
    };
    // For the build scripts of packages that depend on this one directly: DEP_PLASTIQ_LIBDIR and so on.
    for (key, variable) in [("libdir", "libdir"), ("include", "includedir"), ("plugindir", "plugindir")] {
        if let Ok(value) = pkg_config::get_variable("plastiq", variable) {
            println!("cargo:{key}={value}");
        }
    }
    println!("cargo:version={}", found.version);
}
