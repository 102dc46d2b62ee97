//! `feiqian config check`

use crate::cli::ConfigFile;
use crate::config::Config;
use crate::output;
use anyhow::Result;
use serde_json::json;
use std::process::ExitCode;

pub(crate) fn run(file: &ConfigFile, as_json: bool) -> Result<ExitCode> {
    let config = Config::load(file.config.as_deref())?;
    let listening = config.public_url_at(config.listen);
    let text = format!(
        "The settings are good. 配置无误\n  listen           {}\n  internal_listen  {}\n  public_url       {}\n  data_dir         {}\n  master key       {}",
        config.listen,
        config.internal_listen,
        listening,
        config.data_dir.display(),
        config.key_place()?,
    );
    output::answer(as_json, &json!({"object": "config", "ok": true, "settings": config}), &text)?;
    Ok(ExitCode::SUCCESS)
}
