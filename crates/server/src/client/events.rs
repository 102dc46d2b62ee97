//! Events as the API lists them, and the place in their order from which a program goes on.

use super::{Client, Fault};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::time::Duration;

/// The most events of one page.
pub(crate) const PAGE_MAX: usize = 100;
/// How long the server may wait for an event before it answers with none.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(10);

/// The place behind an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// The event's id.
    pub id: String,
    /// Its business time, by which the place is found again when the event itself is gone.
    pub timestamp: String,
}

/// One event.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub id: String,
    /// Its type.
    pub kind: String,
    /// Its business time, RFC 3339.
    pub timestamp: String,
    /// What it is about.
    pub object_id: String,
    /// The row as the API shows it.
    pub row: Box<RawValue>,
    /// The body as a webhook sends it, byte for byte.
    pub body: String,
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    data: Vec<&'a RawValue>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Row<'a> {
    id: String,
    r#type: String,
    timestamp: String,
    #[serde(borrow)]
    data: &'a RawValue,
}

#[derive(Deserialize)]
struct Data {
    object: About,
}

#[derive(Deserialize)]
struct About {
    id: String,
}

/// A webhook's body: the row without what is there for lists.
#[derive(Serialize)]
struct Body<'a> {
    r#type: &'a str,
    timestamp: &'a str,
    data: &'a RawValue,
}

impl Event {
    /// The place behind it.
    pub(crate) fn place(&self) -> Place {
        Place { id: self.id.clone(), timestamp: self.timestamp.clone() }
    }

    fn read(row: &RawValue) -> serde_json::Result<Event> {
        let Row { id, r#type, timestamp, data } = serde_json::from_str(row.get())?;
        let Data { object } = serde_json::from_str(data.get())?;
        let body = serde_json::to_string(&Body { r#type: &r#type, timestamp: &timestamp, data })?;
        Ok(Event { id, kind: r#type, timestamp, object_id: object.id, row: row.to_owned(), body })
    }
}

impl Client {
    /// One event.
    pub(crate) async fn event(&self, id: &str) -> Result<Event, Fault> {
        let path =
            format!("/v1/events/{}", url::form_urlencoded::byte_serialize(id.as_bytes()).collect::<String>());
        let (status, bytes) = self.fetch(&path, &[]).await?;
        serde_json::from_slice::<&RawValue>(&bytes).and_then(Event::read).map_err(|_| self.not_ours(status))
    }

    /// A page of events, newest first, and the cursor of the page before it in time.
    pub(crate) async fn events_before(
        &self,
        cursor: Option<&str>,
    ) -> Result<(Vec<Event>, Option<String>), Fault> {
        let limit = PAGE_MAX.to_string();
        let mut query = vec![("limit", limit.as_str())];
        query.extend(cursor.map(|cursor| ("cursor", cursor)));
        self.event_page(&query).await
    }

    /// What happened behind a place (or from the beginning), oldest first, of one object or of all. Waits at most so long if there
    /// is nothing yet; the server bounds it.
    pub(crate) async fn events_after(
        &self,
        place: Option<&Place>,
        object: Option<&str>,
        wait: Duration,
    ) -> Result<Vec<Event>, Fault> {
        let (limit, wait_ms) = (PAGE_MAX.to_string(), wait.min(WAIT_MAX).as_millis().to_string());
        let mut query = vec![("order", "oldest_first"), ("limit", &limit), ("wait_ms", &wait_ms)];
        query.extend(place.map(|place| ("after", place.id.as_str())));
        query.extend(object.map(|object| ("object_id", object)));
        Ok(self.event_page(&query).await?.0)
    }

    /// The place behind the newest event, or behind the newest before a business time; `None` is the beginning.
    pub(crate) async fn place_now(&self, before: Option<&str>) -> Result<Option<Place>, Fault> {
        let mut query = vec![("limit", "1")];
        query.extend(before.map(|time| ("created_at_lt", time)));
        Ok(self.event_page(&query).await?.0.first().map(Event::place))
    }

    async fn event_page(&self, query: &[(&str, &str)]) -> Result<(Vec<Event>, Option<String>), Fault> {
        let (status, bytes) = self.fetch("/v1/events", query).await?;
        let page: Page<'_> = serde_json::from_slice(&bytes).map_err(|_| self.not_ours(status))?;
        let events = page.data.into_iter().map(Event::read).collect::<Result<_, _>>();
        Ok((events.map_err(|_| self.not_ours(status))?, page.next_cursor))
    }
}

/// Which types of events are wanted: `payment.succeeded`, `payment.*` or `*`; none is all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted(Vec<String>);

impl Wanted {
    pub(crate) fn new(patterns: &[String]) -> Wanted {
        Wanted(patterns.to_vec())
    }

    /// Patterns that no type known to this program answers to; a newer server may know more.
    pub(crate) fn unknown(&self) -> Vec<&str> {
        let knows = |pattern: &str| api::event_types().any(|kind| fits(pattern, kind));
        self.0.iter().map(String::as_str).filter(|pattern| !knows(pattern)).collect()
    }

    pub(crate) fn is_all(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn has(&self, kind: &str) -> bool {
        self.is_all() || self.0.iter().any(|pattern| fits(pattern, kind))
    }
}

fn fits(pattern: &str, kind: &str) -> bool {
    match pattern.strip_suffix(".*") {
        Some(noun) => kind.split_once('.').is_some_and(|(known, _)| known == noun),
        None => pattern == "*" || pattern == kind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &str = r#"{"id":"evt_1","object":"event","world":"sandbox","merchant":"mch_1","type":"payment.succeeded","timestamp":"2026-01-02T03:04:05.678Z","data":{"id":"evt_1", "object":{"id":"pay_1","n":1.50},"sequence":2},"created_at":"2026-01-02T03:04:05.678Z","updated_at":"2026-01-02T03:04:05.678Z","sequence":1}"#;

    #[test]
    fn the_body_is_a_webhooks_with_the_data_untouched() {
        let row = serde_json::from_str::<&RawValue>(ROW).unwrap();
        let event = Event::read(row).unwrap();
        assert_eq!(
            (event.id.as_str(), event.kind.as_str(), event.object_id.as_str()),
            ("evt_1", "payment.succeeded", "pay_1")
        );
        let body = r#"{"type":"payment.succeeded","timestamp":"2026-01-02T03:04:05.678Z","data":{"id":"evt_1", "object":{"id":"pay_1","n":1.50},"sequence":2}}"#;
        assert_eq!(event.body, body);
        assert_eq!(event.row.get(), ROW);
        for bad in [r#"{"id":1}"#, r#"{"id":"x","type":"y","timestamp":"z","data":{}}"#, "null"] {
            assert!(Event::read(serde_json::from_str::<&RawValue>(bad).unwrap()).is_err(), "{bad}");
        }
    }

    #[test]
    fn patterns_choose_types() {
        let wanted =
            |patterns: &[&str]| Wanted::new(&patterns.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>());
        assert!(wanted(&[]).has("payment.succeeded") && wanted(&["*"]).has("x.y"));
        assert!(wanted(&["payment.*"]).has("payment.closed") && !wanted(&["payment.*"]).has("refund.failed"));
        assert!(
            wanted(&["refund.failed"]).has("refund.failed")
                && !wanted(&["refund.failed"]).has("refund.created")
        );
        assert_eq!(wanted(&["payment.*", "paymnt.closed", "*"]).unknown(), ["paymnt.closed"]);
    }
}
