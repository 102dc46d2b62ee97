//! Bodies, queries and what stands in them.

use api::outside::{self, Refused};

/// What a client is told must be a document whatever it sent.
fn told(refused: &Refused) {
    assert!(
        (400..500).contains(&refused.status),
        "bad input is the client's fault, not a {}",
        refused.status
    );
    for document in &refused.documents {
        let Ok(read) = serde_json::from_slice::<serde_json::Value>(document) else {
            panic!("a refusal is not JSON: {}", String::from_utf8_lossy(document));
        };
        assert!(read.get("code").is_some_and(serde_json::Value::is_string), "a refusal without a code");
        assert!(document.len() < 64 * 1_024, "a refusal of {} bytes", document.len());
    }
}

/// The strict reader takes nothing that a lenient one refuses, and both see the same value.
pub fn json(data: &[u8]) {
    let lenient = serde_json::from_slice::<serde_json::Value>(data);
    match (outside::json(data), lenient) {
        (Ok(compact), lenient) => {
            assert_eq!(outside::json(compact.as_bytes()).as_deref(), Ok(compact.as_str()), "not stable");
            match lenient {
                Ok(value) => {
                    assert!(value.is_object());
                    let again = serde_json::from_str::<serde_json::Value>(&compact);
                    assert!(again.is_ok_and(|again| again == value), "another value: {compact}");
                }
                // Ours keeps a number's text, theirs makes a float of it.
                Err(fault) => {
                    assert!(fault.to_string().contains("out of range"), "taken by ours only: {fault}")
                }
            }
        }
        (Err(refused), _) => told(&refused),
    }
}

/// The first byte says which input the rest is the body of.
pub fn inputs(data: &[u8]) {
    let Some((first, body)) = data.split_first() else { return };
    let which = usize::from(*first) % outside::inputs().len();
    if let Err(refused) = outside::input(which, body) {
        told(&refused);
    }
}

/// What is read of a query is what the route knows, each name once.
pub fn query(data: &[u8]) {
    let Ok(raw) = std::str::from_utf8(data) else { return };
    match outside::query(raw) {
        Ok(read) => {
            assert!(
                read.windows(2).all(|pair| matches!(pair, [a, b] if a.0 < b.0)),
                "a name twice: {read:?}"
            );
            assert!(read.iter().all(|(_, value)| !value.contains('\0') && value.len() <= raw.len()));
        }
        Err(refused) => told(&refused),
    }
}

/// A cursor that is taken is the only text for its place.
pub fn cursor(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    // The list that the seeds are of.
    if let Some(again) = outside::cursor(*b"list-one", text) {
        assert_eq!(again, text);
        assert_eq!(outside::cursor(*b"list-two", text), None, "taken by another list");
    }
}

/// A form never makes more of its bytes than there were.
pub fn form(data: &[u8]) {
    if let Some(value) = outside::form(data, "outcome") {
        assert!(value.len() <= data.len());
    }
}

/// A time that is taken lies within the years of RFC 3339.
pub fn time(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Some(at_us) = outside::time_us(text) {
        let years = -62_167_219_200_000_000 - 86_400_000_000..=253_402_300_800_000_000 + 86_400_000_000;
        assert!(years.contains(&at_us), "{text} is {at_us}");
    }
}
