//! All routes on one page.

use super::Writer;
use std::fmt::Write as _;

impl Writer<'_> {
    pub(super) fn routes(&self) -> String {
        let mut out = format!("# {}\n\n{}\n", self.words.routes, self.words.routes_about);
        for page in &self.plan.pages {
            if page.operations.is_empty() {
                continue;
            }
            let _ = write!(out, "\n## {}\n\n{}", self.text(&page.name), self.words.routes_head);
            for operation in &page.operations {
                let url = self.operation_url(&operation.id).unwrap_or_default();
                let class = operation.method.to_ascii_lowercase();
                let _ = writeln!(
                    out,
                    "| <span class=\"verb {class}\">{}</span> [`{}`]({url}) | {} |",
                    operation.method,
                    operation.path,
                    self.cell(super::text_at(&operation.value, "/summary"))
                );
            }
        }
        out
    }
}
