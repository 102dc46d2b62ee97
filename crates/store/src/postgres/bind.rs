//! Values as PostgreSQL's binary protocol carries them: each is encoded as the statement's parameter asks, columns of many rows as
//! arrays.

use crate::StoreError;
use crate::db::{Cell, Many, Row, Value};
use bytes::{BufMut, BytesMut};
use std::error::Error;
use tokio_postgres::types::{FromSql, IsNull, Kind, ToSql, Type, to_sql_checked};

type Fault = Box<dyn Error + Sync + Send>;

/// What is bound to one parameter.
#[derive(Debug)]
pub(super) enum Bound<'v, 'a> {
    /// A value.
    One(&'v Value<'a>),
    /// A column of all rows.
    Column(&'v Many<'a>, usize),
    /// A number of the engine's own.
    Number(i64),
}

impl ToSql for Bound<'_, '_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Fault> {
        match self {
            Bound::One(value) => put(value, ty, out),
            Bound::Number(number) => put(&Value::Int(*number), ty, out),
            Bound::Column(many, at) => put_array(many, *at, ty, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        // Told by `put`, which sees the value too.
        true
    }

    to_sql_checked!();
}

fn put(value: &Value<'_>, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Fault> {
    match value {
        Value::Null => return Ok(IsNull::Yes),
        // Numbers of this commit travel as the distance from its last one.
        Value::Int(number) | Value::JournalSeq(number) | Value::EventSeq(number) => match *ty {
            Type::INT8 => out.put_i64(*number),
            Type::INT4 => out.put_i32(i32::try_from(*number)?),
            Type::INT2 => out.put_i16(i16::try_from(*number)?),
            _ => return Err(unfit(value, ty)),
        },
        Value::Text(text) => match *ty {
            // The server would refuse it, in the middle of a flight. Texts are made storable where they become values.
            Type::TEXT | Type::VARCHAR if text.contains('\0') => {
                return Err("a text holds a zero byte".into());
            }
            Type::TEXT | Type::VARCHAR => out.put_slice(text.as_bytes()),
            _ => return Err(unfit(value, ty)),
        },
        Value::Uid(bytes) => match *ty {
            Type::UUID | Type::BYTEA => out.put_slice(bytes),
            _ => return Err(unfit(value, ty)),
        },
        Value::Bytes(bytes) => match *ty {
            Type::BYTEA => out.put_slice(bytes),
            Type::UUID if bytes.len() == 16 => out.put_slice(bytes),
            _ => return Err(unfit(value, ty)),
        },
    }
    Ok(IsNull::No)
}

/// The value itself is not told: it may be personal.
fn unfit(value: &Value<'_>, ty: &Type) -> Fault {
    let what = match value {
        Value::Null => "nothing",
        Value::Int(_) | Value::JournalSeq(_) | Value::EventSeq(_) => "a number",
        Value::Text(_) => "a text",
        Value::Uid(_) => "an id",
        Value::Bytes(_) => "bytes",
    };
    format!("{what} is no {ty}").into()
}

/// One dimension that begins at 1; every element with its length before it.
fn put_array(many: &Many<'_>, at: usize, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Fault> {
    let Kind::Array(element) = ty.kind() else { return Err(format!("many values are no {ty}").into()) };
    let has_null = many.column(at).any(|value| matches!(value, Value::Null));
    out.put_i32(1);
    out.put_i32(i32::from(has_null));
    out.put_u32(element.oid());
    out.put_i32(i32::try_from(many.len())?);
    out.put_i32(1);
    for value in many.column(at) {
        let start = out.len();
        out.put_i32(-1);
        if let IsNull::No = put(value, element, out)? {
            let length = i32::try_from(out.len() - start - 4)?;
            if let Some(place) = out.get_mut(start..start + 4) {
                place.copy_from_slice(&length.to_be_bytes());
            }
        }
    }
    Ok(IsNull::No)
}

/// A column's bytes by its type.
struct Raw<'r>(Cell<'r>);

impl<'r> FromSql<'r> for Raw<'r> {
    fn from_sql(ty: &Type, bytes: &'r [u8]) -> Result<Self, Fault> {
        let cell = match *ty {
            Type::INT8 => Cell::Int(i64::from_be_bytes(bytes.try_into()?)),
            Type::INT4 => Cell::Int(i32::from_be_bytes(bytes.try_into()?).into()),
            Type::INT2 => Cell::Int(i16::from_be_bytes(bytes.try_into()?).into()),
            Type::TEXT | Type::VARCHAR => Cell::Text(bytes),
            _ => Cell::Bytes(bytes),
        };
        Ok(Raw(cell))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Fault> {
        Ok(Raw(Cell::Null))
    }

    fn accepts(ty: &Type) -> bool {
        matches!(
            *ty,
            Type::INT8 | Type::INT4 | Type::INT2 | Type::TEXT | Type::VARCHAR | Type::UUID | Type::BYTEA
        )
    }
}

impl Row for tokio_postgres::Row {
    fn cell(&self, at: usize) -> Result<Cell<'_>, StoreError> {
        let raw: Raw<'_> = self.try_get(at)?;
        Ok(raw.0)
    }

    fn name(&self, at: usize) -> String {
        self.columns().get(at).map_or("?", |column| column.name()).to_owned()
    }

    fn width(&self) -> usize {
        self.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::params;

    fn bytes(bound: &Bound<'_, '_>, ty: &Type) -> Result<Vec<u8>, String> {
        let mut out = BytesMut::new();
        bound.to_sql(ty, &mut out).map(|_| out.to_vec()).map_err(|fault| fault.to_string())
    }

    #[test]
    fn a_number_takes_its_parameters_width_or_is_refused() {
        let number = |n: i64, ty: &Type| bytes(&Bound::Number(n), ty);
        assert_eq!(number(-2, &Type::INT2).unwrap(), [0xff, 0xfe]);
        assert_eq!(number(1, &Type::INT4).unwrap(), [0, 0, 0, 1]);
        assert_eq!(number(i64::MIN, &Type::INT8).unwrap(), i64::MIN.to_be_bytes());
        assert!(number(40_000, &Type::INT2).is_err());
        assert!(number(i64::MAX, &Type::INT4).is_err());
        assert!(number(1, &Type::TEXT).unwrap_err().contains("a number is no text"));
    }

    #[test]
    fn a_zero_byte_in_a_text_is_replaced_as_it_becomes_a_value_and_refused_here() {
        for text in [Value::from("a\0b"), Value::from("a\0b".to_owned()), Value::from(&"a\0b".to_owned())] {
            assert_eq!(bytes(&Bound::One(&text), &Type::TEXT).unwrap(), "a\u{fffd}b".as_bytes());
        }
        let slipped = Value::Text("a\0b".into());
        assert!(bytes(&Bound::One(&slipped), &Type::TEXT).unwrap_err().contains("zero byte"));
    }

    #[test]
    fn a_misfit_is_told_without_its_value() {
        let value = Value::from("PLANTED");
        let fault = bytes(&Bound::One(&value), &Type::INT8).unwrap_err();
        assert!(fault.contains("a text is no int8") && !fault.contains("PLANTED"), "{fault}");
        let short = Value::from(vec![1u8; 15]);
        assert!(bytes(&Bound::One(&short), &Type::UUID).is_err());
        let long = Value::from(vec![1u8; 16]);
        assert_eq!(bytes(&Bound::One(&long), &Type::UUID).unwrap(), [1; 16]);
    }

    #[test]
    fn a_column_is_an_array_with_its_nulls() {
        let many = Many::of([params![1i16, Some("a")], params![2i16, None::<&str>]]);
        let texts = bytes(&Bound::Column(&many, 1), &Type::TEXT_ARRAY).unwrap();
        let oid = Type::TEXT.oid().to_be_bytes();
        let mut expected = vec![0, 0, 0, 1, 0, 0, 0, 1];
        expected.extend(oid);
        expected.extend([0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, b'a', 0xff, 0xff, 0xff, 0xff]);
        assert_eq!(texts, expected);
        let numbers = bytes(&Bound::Column(&many, 0), &Type::INT2_ARRAY).unwrap();
        assert_eq!(numbers.get(numbers.len() - 6..), Some(&[0, 0, 0, 2, 0, 2][..]));
        assert!(bytes(&Bound::Column(&many, 0), &Type::INT2).is_err());
    }
}
