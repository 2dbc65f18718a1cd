// SPDX-License-Identifier: MIT
//! What the library says of itself.

use crate::message::{Reply, TableMap};
use crate::{Error, message, raw};

/// A table that the library has of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Table {
    /// Its name.
    pub name: String,
    /// The names of its columns; later versions may have more, at the end.
    pub columns: Vec<String>,
    /// Its rows. Bools are `true` or `false`, lists have commas, and what there is not is empty.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn read(reply: &[u8]) -> Result<Self, Error> {
        let TableMap { table, columns, rows } = Reply::read(reply)?.into_results()?;
        Ok(Table { name: table, columns, rows })
    }

    /// One column, of all rows.
    pub fn column<'a>(&'a self, name: &str) -> Option<impl Iterator<Item = &'a str> + use<'a>> {
        let at = self.columns.iter().position(|column| column == name)?;
        Some(self.rows.iter().map(move |row| row.get(at).map_or("", String::as_str)))
    }
}

/// A table that the library has of itself: `tables` lists which there are, among them `operations`, `options`, `events` and `statuses`.
///
/// Options and transports are those that a client without options would have; [`Client::describe`](crate::Client::describe) shows a
/// client's own.
///
/// ```
/// # fn main() -> Result<(), plastiq::Error> {
/// let operations = plastiq::describe("operations")?;
/// assert!(operations.column("name").unwrap().any(|name| name == "client_secrets.create"));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// There is no such table: the error names the nearest one.
pub fn describe(table: &str) -> Result<Table, Error> {
    crate::check_library()?;
    Table::read(&raw::describe_message(&message::write_describe(table)).map_err(Error::of_handle)?)
}
