//! Excel: the lines in as many sheets as they need, and a sheet of totals. Amounts are numbers in the currency's format, everything
//! else is text, so that no program takes a long order number for a number. Rows go to a scratch file as they come.

use crate::Lang;
use crate::cell::{Cell, Line};
use crate::column::{Column, columns};
use crate::csv_file::people_text;
use domain::statement::{Statement, Totals};
use money::Amount;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};
use std::io::Write;
use std::path::Path;

/// Lines in one sheet; a sheet of Excel holds 1,048,576 rows. More lines go on in a further sheet.
pub const SHEET_LINES_MAX: u32 = 1_000_000;

/// From here on a number of Excel, which has 15 digits, is not exact any more: larger amounts are text.
const EXACT_BELOW_MINOR: u64 = 1_000_000_000_000_000;

/// Excel could not be written: the scratch directory or a limit of the format.
#[derive(Debug, thiserror::Error)]
#[error("the Excel file can't be written: {0}")]
pub struct ExcelFault(#[from] XlsxError);

/// A file in the making.
pub struct ExcelFile<'s> {
    statement: &'s Statement,
    lang: Lang,
    workbook: Workbook,
    /// Sheets of lines so far.
    sheets: u32,
    /// Lines in the present one.
    rows: u32,
    formats: Formats,
}

/// One format for each number of decimals that a currency may have.
struct Formats([Format; 5]);

impl Formats {
    fn new() -> Formats {
        Formats(["0", "0.0", "0.00", "0.000", "0.0000"].map(|format| Format::new().set_num_format(format)))
    }

    fn of(&self, amount: Amount) -> Option<&Format> {
        self.0.get(usize::from(amount.currency().exponent()))
    }
}

impl<'s> ExcelFile<'s> {
    /// A file of a statement; rows wait in unnamed files in `scratch`.
    ///
    /// # Errors
    /// [`ExcelFault`].
    pub fn new(statement: &'s Statement, lang: Lang, scratch: &Path) -> Result<ExcelFile<'s>, ExcelFault> {
        let mut workbook = Workbook::new();
        workbook.set_tempdir(scratch)?;
        // Not the hour at which the file was made: the same statement gives the same file.
        let formed_s = statement.created_at_us.div_euclid(1_000_000);
        let properties =
            DocProperties::new().set_creation_datetime(&ExcelDateTime::from_timestamp(formed_s)?);
        workbook.set_properties(&properties);
        let mut file = ExcelFile { statement, lang, workbook, sheets: 0, rows: 0, formats: Formats::new() };
        file.next_sheet()?;
        Ok(file)
    }

    /// The next lines.
    ///
    /// # Errors
    /// [`ExcelFault`].
    pub fn lines(&mut self, lines: &[Line]) -> Result<(), ExcelFault> {
        for line in lines {
            if self.rows == SHEET_LINES_MAX {
                self.next_sheet()?;
            }
            self.rows += 1;
            let sheet = self.workbook.worksheet_from_index(self.sheets as usize - 1)?;
            for (column, cell) in (0_u16..).zip(line) {
                let place = (self.rows, column);
                write(sheet, place, cell, &self.formats, |cell| {
                    people_text(cell, &self.statement.span, self.lang).into_owned()
                })?;
            }
        }
        Ok(())
    }

    /// Adds the totals and writes the whole.
    ///
    /// # Errors
    /// [`ExcelFault`].
    pub fn finish(mut self, out: impl Write + Send) -> Result<(), ExcelFault> {
        let name = self.say("Totals", "汇总");
        let sheet = self.workbook.add_worksheet_with_constant_memory()?;
        sheet.set_name(name)?;
        let rows = totals(self.statement, self.lang);
        for (row, cells) in (0_u32..).zip(&rows) {
            for (column, cell) in (0_u16..).zip(cells) {
                let text = |cell: &Cell| people_text(cell, &self.statement.span, self.lang).into_owned();
                write(sheet, (row, column), cell, &self.formats, text)?;
            }
        }
        Ok(self.workbook.save_to_writer(out)?)
    }

    fn say(&self, en: &'static str, zh: &'static str) -> &'static str {
        match self.lang {
            Lang::En => en,
            Lang::Zh => zh,
        }
    }

    fn next_sheet(&mut self) -> Result<(), ExcelFault> {
        self.sheets += 1;
        self.rows = 0;
        let name = match (self.lang, self.sheets) {
            (Lang::En, 1) => "Lines".to_owned(),
            (Lang::Zh, 1) => "明细".to_owned(),
            (Lang::En, number) => format!("Lines {number}"),
            (Lang::Zh, number) => format!("明细 {number}"),
        };
        let head: Vec<&Column> = columns(self.statement.kind, self.statement.schema).collect();
        let bold = Format::new().set_bold();
        let sheet = self.workbook.add_worksheet_with_constant_memory()?;
        sheet.set_name(name)?.set_freeze_panes(1, 0)?;
        for (column, facts) in (0_u16..).zip(head) {
            let text = if self.lang == Lang::Zh { facts.zh } else { facts.name };
            sheet.set_column_width(column, 18)?;
            sheet.write_string_with_format(0, column, text, &bold)?;
        }
        Ok(())
    }
}

fn write(
    sheet: &mut Worksheet,
    (row, column): (u32, u16),
    cell: &Cell,
    formats: &Formats,
    text: impl Fn(&Cell) -> String,
) -> Result<(), XlsxError> {
    match cell {
        Cell::Empty => {}
        Cell::Money(amount) => match (number(*amount), formats.of(*amount)) {
            (Some(number), Some(format)) => {
                sheet.write_number_with_format(row, column, number, format)?;
            }
            (None, _) | (_, None) => {
                sheet.write_string(row, column, text(cell))?;
            }
        },
        Cell::Text(_) | Cell::Code(_) | Cell::Word(_) | Cell::Id(_) | Cell::Day(_) | Cell::Time(_) => {
            sheet.write_string(row, column, text(cell))?;
        }
    }
    Ok(())
}

/// The amount as Excel stores numbers: read from its decimal digits, never computed, and only while they are exact.
fn number(amount: Amount) -> Option<f64> {
    if amount.minor().unsigned_abs() >= EXACT_BELOW_MINOR {
        return None;
    }
    amount.to_major_string().parse().ok()
}

/// The sheet of totals: a header row, then a row for each currency (of a fund flow: and category).
fn totals(statement: &Statement, lang: Lang) -> Vec<Line> {
    let say = |en: &'static str, zh: &'static str| Cell::Code(if lang == Lang::Zh { zh } else { en });
    let count = |number: i64| Cell::Text(number.to_string());
    match &statement.totals {
        Totals::Trade(rows) => {
            let head = vec![
                say("currency", "币种"),
                say("payment_count", "支付笔数"),
                say("refund_count", "退款笔数"),
                say("failed_refund_count", "退款失败笔数"),
                say("gross", "交易金额"),
                say("fee", "手续费"),
                say("refund_amount", "退款金额"),
                say("fee_refund", "手续费退还"),
                say("refund_fee", "退款手续费"),
                say("net", "净额"),
            ];
            let row = |row: &domain::statement::TradeTotal| {
                let money = |minor| Cell::Money(Amount::new(minor, row.currency));
                vec![
                    Cell::Code(row.currency.code()),
                    count(row.payments),
                    count(row.refunds),
                    count(row.failed_refunds),
                    money(row.gross_minor),
                    money(row.fee_minor),
                    money(row.refund_minor),
                    money(row.fee_refund_minor),
                    money(row.refund_fee_minor),
                    money(row.net_minor),
                ]
            };
            std::iter::once(head).chain(rows.iter().map(row)).collect()
        }
        Totals::FundFlow(rows) => {
            let head = vec![say("currency", "币种"), say("item", "项目"), say("amount", "金额")];
            let of_currency = |row: &domain::statement::FlowTotal| {
                let (currency, opening_minor, closing_minor) =
                    (row.currency, row.opening_minor, row.closing_minor);
                let line = move |item: Cell, minor: i64| {
                    vec![Cell::Code(currency.code()), item, Cell::Money(Amount::new(minor, currency))]
                };
                let moved = row.by_category.iter().map(|(name, minor)| {
                    let word = ledger::Category::parse(name).map(crate::words::category);
                    line(word.map_or(Cell::Text(name.clone()), Cell::Word), *minor)
                });
                let mut lines = vec![line(say("opening", "期初"), opening_minor)];
                lines.extend(moved);
                lines.push(line(say("closing", "期末"), closing_minor));
                lines
            };
            std::iter::once(head).chain(rows.iter().flat_map(of_currency)).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use money::Currency;

    #[test]
    fn numbers_are_exact_or_text() {
        for (minor, currency, shown) in [
            (1_250, Currency::CNY, Some("12.5")),
            (-1, Currency::CNY, Some("-0.01")),
            (99, Currency::JPY, Some("99")),
            (999_999_999_999_999, Currency::CNY, Some("9999999999999.99")),
            (1_000_000_000_000_000, Currency::CNY, None),
            (i64::MIN, Currency::CNY, None),
        ] {
            let number = number(Amount::new(minor, currency)).map(|number| number.to_string());
            assert_eq!(number.as_deref(), shown, "{minor}");
        }
    }
}
