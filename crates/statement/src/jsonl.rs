//! JSON Lines: the file for programs, and the one that a statement's hash is of. One object a line in the order of the columns, no
//! spaces, `\n` after each; money as everywhere in the API, times in UTC.

use crate::cell::{Cell, Line};
use crate::column::columns;
use domain::statement::Kind;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use wire::{Instant, Money};

struct Object<'l> {
    kind: Kind,
    schema: u16,
    line: &'l Line,
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        for (column, cell) in columns(self.kind, self.schema).zip(self.line) {
            members.serialize_entry(column.name, &Value(cell))?;
        }
        members.end()
    }
}

struct Value<'l>(&'l Cell);

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Cell::Empty => serializer.serialize_none(),
            Cell::Text(text) => serializer.serialize_str(text),
            Cell::Code(code) => serializer.serialize_str(code),
            Cell::Word(word) => serializer.serialize_str(word.code),
            Cell::Id(id) => id.serialize(serializer),
            Cell::Money(amount) => Money::from(*amount).serialize(serializer),
            Cell::Day(day) => serializer.collect_str(day),
            Cell::Time(at_us) => Instant(*at_us).serialize(serializer),
        }
    }
}

/// A line of the file, its end included.
pub fn json_line(kind: Kind, schema: u16, line: &Line) -> Vec<u8> {
    // Writing our own values into memory can't fail.
    let mut bytes = serde_json::to_vec(&Object { kind, schema, line }).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}
