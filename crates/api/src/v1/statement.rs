//! Statements, their files, and the proofs of their lines.

use crate::access::may;
use crate::json::{Fault, read};
use crate::listing::{Listing, created};
use crate::pipeline::{Allowed, Call, FileReply, Reply};
use crate::problem::{Code, Problem};
use crate::routes::{Answer, Body, KeyRule, Routes, Spec, Verb};
use crate::text::Lang;
use app::statement::file::Format;
use domain::id::{BalanceTransactionId, StatementId};
use domain::statement::{Kind, Statement};
use ledger::Day;
use store::statements::StatementFilter;
use wire::StatementObject;

static LIST: Spec = Spec {
    verb: Verb::Get,
    path: "/v1/statements",
    id: "listStatements",
    summary: "Statements of business days, newest first. Asked for one date, there must be one: statement_not_ready says when to come back.",
    body: Body::Refused,
    key: KeyRule::Optional,
    query: &["date", "kind", "limit", "cursor"],
    answer: Answer::Page("Statement"),
    codes: &[Code::StatementNotFound, Code::StatementNotReady],
};

static SHOW: Spec = Spec {
    verb: Verb::Get,
    path: "/v1/statements/{id}",
    id: "showStatement",
    summary: "One statement: totals, hash and root.",
    body: Body::Refused,
    key: KeyRule::Optional,
    query: &[],
    answer: Answer::One("Statement"),
    codes: &[Code::StatementNotFound],
};

static FILE: Spec = Spec {
    verb: Verb::Get,
    path: "/v1/statements/{id}/file",
    id: "downloadStatement",
    summary: "A statement's lines as CSV, Excel or JSON Lines: the same lines in each.",
    body: Body::Refused,
    key: KeyRule::Optional,
    query: &["format", "lang"],
    answer: Answer::File(&[CSV, EXCEL, JSON_LINES]),
    codes: &[Code::StatementNotFound, Code::LinesArchived],
};

static PROOF: Spec = Spec {
    verb: Verb::Get,
    path: "/v1/balance_transactions/{id}/proof",
    id: "proveBalanceTransaction",
    summary: "The proof that a line of the balance stands in the sealed journal, checked offline against the root of its day's statements.",
    body: Body::Refused,
    key: KeyRule::Optional,
    query: &[],
    answer: Answer::One("Proof"),
    codes: &[Code::BalanceTransactionNotFound, Code::ProofNotReady, Code::LinesArchived],
};

const CSV: &str = "text/csv; charset=utf-8";
const EXCEL: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const JSON_LINES: &str = "application/jsonl";

pub fn routes(routes: &mut Routes) {
    routes.add(&LIST, list);
    routes.add(&SHOW, show);
    routes.add(&FILE, file);
    routes.add(&PROOF, proof);
}

fn date(text: &str) -> Result<Day, Fault> {
    Day::parse(text)
        .map_err(|_| Fault::invalid("A business day is written YYYY-MM-DD.", "营业日的写法为 YYYY-MM-DD。"))
}

async fn list(call: Allowed<may::ReadStatements>) -> Result<Reply, Problem> {
    let kind = |text: &str| read::one_of(Kind::ALL, Kind::as_str, text);
    let filter =
        StatementFilter { day: call.query.read("date", date)?, kind: call.query.read("kind", kind)? };
    let listing = Listing::of(&call)?;
    let rows = call.app().statements(&call.caller, filter, listing.by_creation()?).await?;
    let world = call.world();
    let page =
        listing.page(&rows, |row| created(row.created_at_us, row.id), |row| StatementObject::of(row, world));
    Ok(Reply::ok(&page))
}

async fn show(call: Allowed<may::ReadStatements>) -> Result<Reply, Problem> {
    let id: StatementId = call.id(Code::StatementNotFound)?;
    let statement = call.app().statement(&call.caller, id).await?;
    Ok(Reply::ok(&StatementObject::of(&statement, call.world())))
}

/// `csv` where none is asked for.
#[derive(Debug, Clone, Copy)]
enum Wanted {
    Csv,
    Excel,
    JsonLines,
}

const WANTED: [Wanted; 3] = [Wanted::Csv, Wanted::Excel, Wanted::JsonLines];

impl Wanted {
    fn as_str(self) -> &'static str {
        match self {
            Wanted::Csv => "csv",
            Wanted::Excel => "excel",
            Wanted::JsonLines => "jsonl",
        }
    }
}

/// The language asked for, else that of the request.
fn lang(call: &Call) -> Result<statement::Lang, Problem> {
    let name = |lang: Lang| match lang {
        Lang::En => "en",
        Lang::Zh => "zh",
    };
    let asked = call.query.read("lang", |text| read::one_of(&[Lang::Zh, Lang::En], name, text))?;
    Ok(match asked.unwrap_or_else(|| Lang::of(&call.request.headers)) {
        Lang::En => statement::Lang::En,
        Lang::Zh => statement::Lang::Zh,
    })
}

async fn file(call: Allowed<may::ReadStatements>) -> Result<Reply, Problem> {
    let id: StatementId = call.id(Code::StatementNotFound)?;
    let format = call.query.read("format", |text| read::one_of(&WANTED, Wanted::as_str, text))?;
    let lang = lang(&call)?;
    let (format, content_type, ending) = match format.unwrap_or(Wanted::Csv) {
        Wanted::Csv => (Format::Csv(lang), CSV, "csv"),
        Wanted::Excel => (Format::Excel(lang), EXCEL, "xlsx"),
        Wanted::JsonLines => (Format::JsonLines, JSON_LINES, "jsonl"),
    };
    let (made, chunks) = call.app().statement_file(&call.caller, id, format).await?;
    // Of this format alone the hash is known before the bytes are.
    let sha256 = (format == Format::JsonLines).then_some(made.sha256);
    let name = file_name(&made, ending);
    Ok(Reply::file(FileReply { content_type, name, sha256, chunks }))
}

/// Letters, digits, `-` and `_` only: it stands in a header as it is.
fn file_name(made: &Statement, ending: &str) -> String {
    format!("{}_{}_{}.{ending}", made.kind, made.day, made.merchant)
}

async fn proof(call: Allowed<may::ReadBalances>) -> Result<Reply, Problem> {
    let id: BalanceTransactionId = call.id(Code::BalanceTransactionNotFound)?;
    Ok(Reply::ok(&call.app().proof(&call.caller, id).await?))
}
