//! Every kind of caller on every route of the served document.

use super::callers::{Caller, Callers, live_body, live_stock};
use super::faces;
use super::kinds::{Documented, KINDS, Rule, Told};
use super::page::{Line, compare};
use crate::cases_b::untouched::Picture;
use crate::harness::books::Books;
use crate::harness::{Answer, Merchant, Receiver, Server, Setting, on_own};
use crate::partners::cast::Stock;
use crate::partners::matrix::{all_of, ask_with};
use crate::partners::routes::{Row, rows};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Some hundreds of refusals come from one address at once.
const PATIENT: &[Setting] = &[("rate_limits", "failed_access", "{ per_second = 10000, burst = 10000 }")];

/// Tables whose rows a stranger could have made or taken away.
const TABLES: [&str; 6] = ["payment", "refund", "event", "endpoint", "api_key", "delivery"];

/// Rows, what the document says of them, and what was answered so far.
struct Matrix<'s> {
    server: &'s Server,
    callers: Callers<'s>,
    rows: &'static [Row],
    documented: Vec<Documented>,
    told: Vec<Vec<Option<Told>>>,
}

impl<'s> Matrix<'s> {
    async fn new(server: &'s Server) -> Matrix<'s> {
        let rows = rows(server).await;
        let document = server.client().get("/openapi.json").await.expect(200).json;
        let documented: Vec<_> = rows.iter().map(|row| Documented::of(&document, row)).collect();
        let permissions: BTreeSet<String> = documented
            .iter()
            .map(|route| route.permission.clone())
            .filter(|permission| permission != "whoami")
            .collect();
        let callers = Callers::new(server, &permissions).await;
        assert_eq!(callers.all.len(), KINDS.len(), "a caller for each kind");
        let told = rows.iter().map(|_| KINDS.iter().map(|_| None).collect()).collect();
        Matrix { server, callers, rows, documented, told }
    }

    /// The kinds of a rule, by their columns.
    fn columns(of: impl Fn(Rule) -> bool) -> Vec<usize> {
        (0..KINDS.len()).filter(|column| of(KINDS[*column].rule)).collect()
    }

    /// One cell: asks, and compares with the rule.
    async fn cell(&mut self, row: usize, column: usize, request: (&str, Option<Value>)) -> Answer {
        let (route, documented, kind) = (&self.rows[row], &self.documented[row], &KINDS[column]);
        let caller: &Caller = &self.callers.all[column];
        let named: Vec<&str> = caller.named.as_deref().into_iter().collect();
        let key = self.server.next_no("matrix");
        let client = caller.client(&documented.permission);
        let answer = ask_with(client, &named, route, request, &key).await;
        let told = Told { status: answer.status, code: answer.code().to_owned() };
        let what = format!("{} {} by {}", route.method, route.path, kind.who);
        assert_eq!(told, documented.expected(route, kind.rule), "{what}: {}", answer.text);
        let answer = match told.status {
            200..300 => answer,
            status => answer.expect_problem(status, &told.code),
        };
        self.told[row][column] = Some(told);
        answer
    }

    /// Those who are refused, on every route: nothing of the installation changes.
    async fn refused(&mut self, stock: &Stock) {
        let columns = Self::columns(|rule| matches!(rule, Rule::Refused(..) | Rule::RefusedButTold(..)));
        let before = Picture::of(self.server);
        for row in 0..self.rows.len() {
            for column in &columns {
                let merchant = &self.callers.merchant;
                let request = (self.rows[row].path_of(stock), self.rows[row].body_of(merchant, stock));
                self.cell(row, *column, (&request.0, request.1)).await;
            }
            before.assert_same(self.server, self.rows[row].path);
        }
    }

    /// Those who come with a good key of their own and ask for somebody else's: nothing of the merchant's changes.
    async fn strangers(&mut self, stock: &Stock) {
        let id = self.callers.merchant.id.clone();
        let counted = |server| TABLES.map(|table| Books::open(server).rows_of(table, &id));
        let before = counted(self.server);
        for column in Self::columns(|rule| matches!(rule, Rule::OwnOnly | Rule::LiveAboutSandbox)) {
            let live = KINDS[column].rule == Rule::LiveAboutSandbox;
            for row in 0..self.rows.len() {
                let (route, path) = (&self.rows[row], self.rows[row].path_of(stock));
                let (asking, body) = match live {
                    true => (&self.callers.live, live_body(&self.callers.live, stock, route)),
                    false => (&self.callers.other, route.body_of(&self.callers.other, stock)),
                };
                let own = asking.id.clone();
                let answer = self.cell(row, column, (&path, body)).await;
                if answer.status < 300 {
                    all_of(&own, &answer, &path);
                }
                assert!(!answer.text.contains(&id), "{path} tells of another merchant: {}", answer.text);
            }
        }
        assert_eq!(counted(self.server), before, "{TABLES:?} of a merchant after a stranger's requests");
    }

    /// Those who may, each with objects of its own to act on.
    async fn allowed(&mut self, first: Stock, receiver: &Receiver) {
        let mut fresh = Some(first);
        for column in Self::columns(|rule| matches!(rule, Rule::Allowed | Rule::AllowedNoWider)) {
            let stock = match fresh.take() {
                Some(stock) => stock,
                None => Stock::of(&self.callers.merchant, receiver).await,
            };
            for row in 0..self.rows.len() {
                let merchant: &Merchant<'_> = &self.callers.merchant;
                let (route, id) = (&self.rows[row], merchant.id.clone());
                let mut body = route.body_of(merchant, &stock);
                if KINDS[column].rule == Rule::AllowedNoWider
                    && (route.method, route.path) == ("POST", "/v1/api_keys")
                {
                    let narrow =
                        json!({ "name": "till", "generate_bearer": true, "permissions": ["api_keys.write"] });
                    body = Some(narrow);
                }
                let answer = self.cell(row, column, (&route.path_of(&stock), body)).await;
                if answer.status < 300 {
                    all_of(&id, &answer, route.path);
                }
            }
        }
    }

    /// A live merchant on what it can have.
    async fn live(&mut self) {
        let stock = live_stock(&self.callers.live).await;
        for column in Self::columns(|rule| rule == Rule::Live) {
            for row in 0..self.rows.len() {
                let (route, id) = (&self.rows[row], self.callers.live.id.clone());
                let body = live_body(&self.callers.live, &stock, route);
                let answer = self.cell(row, column, (&route.path_of(&stock), body)).await;
                assert_eq!(answer.header("feiqian-world"), "live", "{}", route.path);
                if answer.status < 300 {
                    all_of(&id, &answer, route.path);
                }
            }
        }
    }

    fn lines(self) -> Vec<Line> {
        let rows = self.rows.iter().zip(self.documented).zip(self.told);
        rows.map(|((row, documented), told)| Line {
            route: format!("{} {}", row.method, row.path),
            permission: documented.permission,
            told: told.into_iter().map(|cell| cell.expect("every cell was asked")).collect(),
        })
        .collect()
    }
}

/// With `UPDATE_OPENAPI=1` the page is written instead of compared.
#[test]
fn the_committed_authorization_matrix_is_what_the_server_does() {
    on_own(PATIENT, async |server| {
        let receiver = Receiver::start().await;
        let mut matrix = Matrix::new(server).await;
        let stock = Stock::of(&matrix.callers.merchant, &receiver).await;
        crate::cases_b::endpoints::all_told(&matrix.callers.merchant).await;
        matrix.refused(&stock).await;
        matrix.strangers(&stock).await;
        matrix.allowed(stock, &receiver).await;
        matrix.live().await;
        let merchant = matrix.callers.merchant.clone();
        let (public, internal) =
            (faces::public(server, &merchant).await, faces::internal(server, &merchant).await);
        compare(&matrix.lines(), &public, &internal);
    });
}
