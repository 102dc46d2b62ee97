//! Secrets come by files: the serving process carries none on its command line, and prints none of its settings' files.

use crate::harness::{Server, run};

#[test]
fn no_secret_is_on_the_command_line_or_in_the_settings_that_are_shown() {
    run(async {
        let server = Server::start(&[]);
        let line = std::fs::read(format!("/proc/{}/cmdline", server.process_id())).expect("its command line");
        let words: Vec<String> =
            line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect();
        assert!(words.contains(&"serve".to_owned()), "{words:?}");
        let key = std::fs::read_to_string(server.master_key_file()).expect("the master key");
        let secret = key.trim().rsplit(':').next().expect("its base64").to_owned();
        assert!(secret.len() >= 40 && words.iter().all(|word| !word.contains(&secret)), "{words:?}");
        let settings = server.cli(&["config", "check"]).to_string();
        assert!(!settings.contains(&secret) && settings.contains("master_key_file"), "{settings}");
        assert!(!server.log().contains(&secret));
        server.verify();
    });
}
