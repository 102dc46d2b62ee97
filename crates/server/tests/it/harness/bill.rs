//! The simulator's bills, which are its own word about what it took and gave back.

use super::client::now_s;
use super::server::Server;
use serde_json::Value;

/// The channel's dates (UTC+8) around now.
fn dates() -> [String; 3] {
    let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(8));
    let today = jiff::Timestamp::from_second(now_s()).expect("a time").to_zoned(zone).date();
    [-1, 0, 1].map(|days| today.checked_add(jiff::Span::new().days(days)).expect("a date").to_string())
}

/// Every row of the bills around today.
pub fn all_bill_rows(server: &Server) -> Vec<Value> {
    let bills = dates().into_iter().map(|date| server.cli(&["sandbox", "bill", "--date", &date]));
    bills.flat_map(|bill| bill["rows"].as_array().expect("rows").clone()).collect()
}
