//! A curl command for a POSIX shell that does what was signed, byte by byte.

use std::path::Path;

/// The command on one line, so that it can be pasted.
pub(super) fn command(method: &str, url: &str, headers: &[(&str, String)], body: Option<&Path>) -> String {
    // Neither squeezes the path nor expands brackets: what curl sends is what was signed.
    let mut words = vec!["curl -sS --globoff --path-as-is -X".to_owned(), method.to_owned(), quoted(url)];
    words.extend(headers.iter().map(|(name, value)| format!("-H {}", quoted(&format!("{name}: {value}")))));
    // Unlike --data it keeps line ends.
    words.extend(body.map(|path| format!("--data-binary {}", quoted(&format!("@{}", path.display())))));
    words.join(" ")
}

/// One word of a shell, whatever it holds.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_word_is_the_shells() {
        for text in ["plain", "it's", "$(exit 1)", "`exit 1`", "a\"b\\c", "''", "!x *", "茶"] {
            let output = std::process::Command::new("sh")
                .args(["-c", &format!("printf %s {}", quoted(text))])
                .output();
            assert_eq!(String::from_utf8(output.unwrap().stdout).unwrap(), text);
        }
    }

    #[test]
    fn the_whole_command() {
        let headers = [("Idempotency-Key", "it's".to_owned()), ("Signature", "sig1=:AAAA:".to_owned())];
        assert_eq!(
            command("POST", "http://h/v1?a=b", &headers, Some(Path::new("my body.json"))),
            "curl -sS --globoff --path-as-is -X POST 'http://h/v1?a=b' -H 'Idempotency-Key: it'\\''s' -H 'Signature: sig1=:AAAA:' \
             --data-binary '@my body.json'"
        );
        assert!(command("GET", "http://h/", &[], None).ends_with("-X GET 'http://h/'"));
    }
}
