//! Every reader of bytes from outside, as a function from bytes to nothing that panics when the reader does, or when its answer is
//! not what must hold of it. The fuzzer under `fuzz/` runs them over inputs that it invents, the tests here over the committed
//! seeds, every past finding and mutations of both.
//!
//! For development only: nothing of this is in the program.

mod bodies;
mod channel;
mod files;
mod headers;
mod keys;
mod message;
mod names;
mod signatures;
mod urls;

/// One reader.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name; its seeds lie in `fuzz/seeds/<name>/`.
    pub name: &'static str,
    /// Gives it bytes.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "json", run: bodies::json },
    Target { name: "inputs", run: bodies::inputs },
    Target { name: "query", run: bodies::query },
    Target { name: "cursor", run: bodies::cursor },
    Target { name: "form", run: bodies::form },
    Target { name: "time", run: bodies::time },
    Target { name: "forwarded_for", run: headers::forwarded_for },
    Target { name: "idempotency_key", run: headers::idempotency_key },
    Target { name: "language", run: headers::language },
    Target { name: "content_digest", run: headers::content_digest },
    Target { name: "signature", run: signatures::check },
    Target { name: "signature_explain", run: signatures::explain },
    Target { name: "pasted_request", run: signatures::pasted },
    Target { name: "webhook_signature", run: signatures::webhook },
    Target { name: "public_key", run: keys::public_key },
    Target { name: "private_key", run: keys::private_key },
    Target { name: "certificate_der", run: keys::certificate_der },
    Target { name: "master_key_file", run: keys::master_key_file },
    Target { name: "sealed_value", run: keys::sealed_value },
    Target { name: "bearer_token", run: keys::bearer_token },
    Target { name: "ids", run: names::ids },
    Target { name: "rate", run: names::rate },
    Target { name: "currency", run: names::currency },
    Target { name: "callback", run: channel::callback },
    Target { name: "book", run: channel::book },
    Target { name: "webhook_url", run: urls::webhook },
    Target { name: "proof", run: files::proof },
    Target { name: "manifest", run: files::manifest },
    Target { name: "config", run: files::config },
];

/// The reader of this name.
#[must_use]
pub fn target(name: &str) -> Option<Target> {
    TARGETS.iter().copied().find(|target| target.name == name)
}
