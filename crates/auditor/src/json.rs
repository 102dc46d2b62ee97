//! Reading what the API shows.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::Value;

/// A text; empty when it is not there.
pub(crate) fn text<'v>(object: &'v Value, name: &str) -> &'v str {
    object.get(name).and_then(Value::as_str).unwrap_or("")
}

/// Minor units of a money member; 0 when it is null.
pub(crate) fn minor(object: &Value, name: &str) -> i64 {
    object.get(name).and_then(|money| money.get("value")).and_then(Value::as_i64).unwrap_or(0)
}

/// Currency of a money member.
pub(crate) fn currency<'v>(object: &'v Value, name: &str) -> &'v str {
    object.get(name).map_or("", |money| text(money, "currency"))
}

/// A number.
pub(crate) fn number(object: &Value, name: &str) -> i64 {
    object.get(name).and_then(Value::as_i64).unwrap_or(i64::MIN)
}

/// A list; empty when it is not there.
pub(crate) fn list<'v>(object: &'v Value, name: &str) -> &'v [Value] {
    object.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The number without its prefix, as channels know it.
pub(crate) fn bare(id: &str) -> &str {
    id.split_once('_').map_or(id, |(_, bare)| bare)
}

/// The day of a moment in a zone.
pub(crate) fn day_in(moment: &str, zone: &str) -> Option<Date> {
    let at: Timestamp = moment.parse().ok()?;
    Some(at.to_zoned(TimeZone::get(zone).ok()?).date())
}

/// A day so many days later.
pub(crate) fn later(day: Date, days: i64) -> Option<Date> {
    day.checked_add(jiff::Span::new().days(days)).ok()
}
