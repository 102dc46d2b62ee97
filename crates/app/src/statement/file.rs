//! Files of statements, made again from the journal as they are asked for. CSV and JSON Lines go out page by page; Excel, whose
//! format ends with its index, is written to a scratch file first. Every walk hashes what it makes: a file whose lines are not
//! those that the statement was formed of breaks off before its end.

use super::pages::{Again, Step, again};
use crate::Refusal;
use bytes::Bytes;
use domain::statement::{Kind, Statement};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use statement::{CsvFile, ExcelFile, Formed, Lang, Line, json_line};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::Store;
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people and spreadsheets.
    Csv(Lang),
    /// XLSX.
    Excel(Lang),
    /// For programs; the one that a statement's hash is of.
    JsonLines,
}

/// A file's bytes as they come. An error ends it before its end, and whoever reads must not take it for whole.
pub type Chunks = BoxStream<'static, Result<Bytes, Refusal>>;

/// Bytes of an Excel file in one chunk.
const CHUNK_BYTES: usize = 64 * 1024;
/// Pages of lines that may wait for the thread that writes Excel.
const PAGES_WAITING: usize = 2;

/// The bytes of a statement's file.
///
/// # Errors
/// [`Refusal::StoreUnavailable`]; [`Refusal::LinesArchived`]; [`Refusal::Internal`] when an Excel file can't be made.
pub async fn chunks(
    store: Arc<dyn Store>,
    statement: Statement,
    format: Format,
    scratch: &Path,
) -> Result<Chunks, Refusal> {
    must_be_here(store.as_ref(), &statement).await?;
    match format {
        Format::Csv(lang) => {
            let file = CsvFile::new(statement.kind, statement.schema, statement.span, lang);
            let head = Bytes::from(file.head());
            let lines = encoded(store, statement, move |lines| file.lines(lines));
            Ok(stream::once(async { Ok(head) }).chain(lines).boxed())
        }
        Format::JsonLines => {
            let (kind, schema): (Kind, u16) = (statement.kind, statement.schema);
            let encode = move |lines: &[Line]| {
                lines.iter().flat_map(|line| json_line(kind, schema, line)).collect::<Vec<u8>>()
            };
            Ok(encoded(store, statement, encode).boxed())
        }
        Format::Excel(lang) => Ok(of_file(excel(store, statement, lang, scratch.to_owned()).await?)),
    }
}

/// The walk's lines, encoded page by page.
fn encoded(
    store: Arc<dyn Store>,
    statement: Statement,
    encode: impl Fn(&[Line]) -> Vec<u8> + Send + 'static,
) -> impl futures::Stream<Item = Result<Bytes, Refusal>> + Send + 'static {
    let walk = again(&statement);
    stream::unfold(Some((walk, store, statement, encode)), async |state| {
        let (mut walk, store, statement, encode) = state?;
        match lines_of(&mut walk, store.as_ref(), &statement).await {
            Ok(Some(lines)) => {
                let bytes = Bytes::from(encode(&lines));
                Some((Ok(bytes), Some((walk, store, statement, encode))))
            }
            Ok(None) => None,
            Err(refusal) => Some((Err(refusal), None)),
        }
    })
}

/// The next lines of a walk. The last ones are given out only if all of them are what the statement was formed of.
async fn lines_of(
    walk: &mut Again,
    store: &dyn Store,
    statement: &Statement,
) -> Result<Option<Vec<Line>>, Refusal> {
    match walk.next(store).await? {
        None => Ok(None),
        Some(Step::Lines(lines)) => Ok(Some(lines)),
        Some(Step::Last(lines, formed)) => {
            must_be_here(store, statement).await?;
            must_be(statement, &formed)?;
            Ok(Some(lines))
        }
    }
}

/// Refuses a statement whose lines, some of them, are in the database no more.
async fn must_be_here(store: &dyn Store, statement: &Statement) -> Result<(), Refusal> {
    let archive_end = store.archive_end(statement.merchant.0.shard()).await?;
    if statement.is_archived(archive_end.block) { Err(Refusal::LinesArchived) } else { Ok(()) }
}

fn must_be(statement: &Statement, formed: &Formed) -> Result<(), Refusal> {
    if formed.is(statement) {
        return Ok(());
    }
    metrics::counter!("feiqian_statement_differences_total").increment(1);
    tracing::error!(
        statement = %statement.id,
        "the lines of a statement are not those it was formed of: run verify --full; its file was not delivered"
    );
    Err(Refusal::Internal)
}

/// Writes a whole Excel file into an unnamed one in `scratch`.
async fn excel(
    store: Arc<dyn Store>,
    statement: Statement,
    lang: Lang,
    scratch: PathBuf,
) -> Result<File, Refusal> {
    let (sender, receiver) = mpsc::channel(PAGES_WAITING);
    let of = statement.clone();
    let writing = tokio::task::spawn_blocking(move || write_excel(&of, lang, &scratch, receiver));
    let mut walk = again(&statement);
    while let Some(lines) = lines_of(&mut walk, store.as_ref(), &statement).await? {
        // The writer is gone only when it failed; it says why itself.
        if sender.send(Part::Lines(lines)).await.is_err() {
            break;
        }
    }
    let _ = sender.send(Part::End).await;
    match writing.await {
        Ok(Ok(file)) => Ok(file),
        Ok(Err(error)) => {
            tracing::error!(%error, statement = %statement.id, "an Excel file could not be written");
            Err(Refusal::Internal)
        }
        Err(error) => {
            tracing::error!(%error, statement = %statement.id, "writing an Excel file panicked");
            Err(Refusal::Internal)
        }
    }
}

/// What the writing thread is sent. Without an end it wrote nothing that anybody gets.
enum Part {
    Lines(Vec<Line>),
    End,
}

fn write_excel(
    statement: &Statement,
    lang: Lang,
    scratch: &Path,
    mut parts: mpsc::Receiver<Part>,
) -> Result<File, Box<dyn std::error::Error + Send + Sync>> {
    let mut book = ExcelFile::new(statement, lang, scratch)?;
    loop {
        match parts.blocking_recv() {
            Some(Part::Lines(lines)) => book.lines(&lines)?,
            Some(Part::End) => break,
            None => return Err("the lines broke off".into()),
        }
    }
    let mut file = tempfile::tempfile_in(scratch)?;
    book.finish(std::io::BufWriter::new(&mut file))?;
    std::io::Seek::rewind(&mut file)?;
    Ok(file)
}

/// A file's bytes in chunks.
fn of_file(file: File) -> Chunks {
    let state = Some(tokio::fs::File::from_std(file));
    stream::unfold(state, async |state| {
        let mut file = state?;
        let mut chunk = vec![0; CHUNK_BYTES];
        match file.read(&mut chunk).await {
            Ok(0) => None,
            Ok(length) => {
                chunk.truncate(length);
                Some((Ok(Bytes::from(chunk)), Some(file)))
            }
            Err(error) => {
                tracing::error!(%error, "an Excel file could not be read back");
                Some((Err(Refusal::Internal), None))
            }
        }
    })
    .boxed()
}
