//! Journal lines as merchants see them.

use crate::pipeline::Call;
use store::reads::StoredLine;
use wire::{LedgerLine, LineFacts, LinePosition, Plain};

/// A stored line with its place.
pub fn facts<'l>(call: &Call, line: &'l StoredLine) -> LineFacts<'l> {
    let position = LinePosition { shard: call.caller.merchant.0.shard(), seq: line.seq, line: line.line };
    LineFacts {
        position,
        kind: line.kind,
        source: line.source,
        posted_at_us: line.posted_at_us,
        entry: &line.entry,
    }
}

/// The lines of one object's ledger.
pub fn ledger_rows(call: &Call, lines: &[StoredLine]) -> Plain<LedgerLine> {
    Plain { data: lines.iter().filter_map(|line| LedgerLine::of(&facts(call, line))).collect() }
}
