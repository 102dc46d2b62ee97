//! Files for tools, written from the OpenAPI document: requests for editors, an overview for language models.

mod http_file;
mod llms;
mod story;

pub(super) use http_file::http_file;
pub(super) use llms::llms;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// With `UPDATE_OPENAPI=1` the files are written instead of compared.
    #[test]
    fn the_committed_files_for_tools_are_these() {
        let document: Value = crate::openapi::document(&crate::routes::Routes::all());
        let site = crate::docs::site(&document);
        for (name, printed) in [("feiqian.http", http_file(&document)), ("llms.txt", llms(&document, &site))]
        {
            let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../openapi").join(name);
            if std::env::var_os("UPDATE_OPENAPI").is_some() {
                std::fs::write(&path, &printed).unwrap();
            }
            let committed = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(committed == printed, "openapi/{name} is out of date: `make docs` writes it");
        }
    }
}
