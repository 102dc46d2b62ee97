//! `docs/abuse.md`: the table, with what was measured when it was last written.

use super::table::{ATTACKS, Attack};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Resident memory before and at its peak, MiB.
type Figures = BTreeMap<String, (u64, u64)>;

const PAGES: [&str; 2] = ["docs/abuse.md", "docs/abuse.zh-CN.md"];
/// What stands above the table.
const BEGIN: &str = "<!-- table -->";
/// And below it.
const END: &str = "<!-- end of table -->";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Where attacks leave what they measured, for whoever writes the page anew.
fn measured() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("abuse")
}

/// Notes what an attack came to.
pub fn note(attack: &Attack, before_mib: u64, peak_mib: u64) {
    fs::create_dir_all(measured()).expect("a folder");
    fs::write(measured().join(attack.name), format!("{before_mib} {peak_mib}")).expect("it is noted");
}

fn cell(figures: &Figures, attack: &Attack) -> String {
    match (attack.growth_max_mib, figures.get(attack.name)) {
        (None, _) => "–".to_owned(),
        (Some(max), None) => format!("≤ +{max}"),
        (Some(max), Some((before, peak))) => format!("{before} → {peak} (≤ +{max})"),
    }
}

fn table(language: usize, figures: &Figures) -> String {
    let heads = [["attack", "bound", "what happens", "memory, MiB"], ["攻击", "限制", "结果", "内存（MiB）"]];
    let mut text = format!("| `name` | {} |\n| --- | --- | --- | --- | --- |\n", heads[language].join(" | "));
    if language == 1 {
        text = text.replace("`name`", "`名称`");
    }
    for attack in ATTACKS {
        let cells = [attack.attack[language], attack.bound[language], attack.result[language]].join(" | ");
        text.push_str(&format!("| `{}` | {cells} | {} |\n", attack.name, cell(figures, attack)));
    }
    text
}

/// What a page says was measured.
fn figures_of(page: &str) -> Figures {
    let row = |line: &str| {
        let name = line.strip_prefix("| `")?.split('`').next()?.to_owned();
        let (before, rest) = line.rsplit(" | ").next()?.split_once(" → ")?;
        Some((name, (before.parse().ok()?, rest.split(' ').next()?.parse().ok()?)))
    };
    page.lines().filter_map(row).collect()
}

/// What the last attacks came to.
fn figures_measured() -> Figures {
    let read = |attack: &Attack| {
        let text = fs::read_to_string(measured().join(attack.name)).ok()?;
        let (before, peak) = text.split_once(' ')?;
        Some((attack.name.to_owned(), (before.parse().ok()?, peak.parse().ok()?)))
    };
    ATTACKS.iter().filter_map(read).collect()
}

/// With `UPDATE_DOCS=1` the table is written instead of compared, with `UPDATE_ABUSE=1` its figures too.
#[test]
fn the_committed_page_has_the_attacks_of_the_tests() {
    for (language, path) in PAGES.into_iter().enumerate() {
        let path = root().join(path);
        let page = fs::read_to_string(&path).expect("the page is there");
        let mut figures = figures_of(&page);
        if std::env::var_os("UPDATE_ABUSE").is_some() {
            figures.extend(figures_measured());
        }
        let (before, rest) = page.split_once(BEGIN).expect("where the table begins");
        let (_, after) = rest.split_once(END).expect("where it ends");
        let wanted = format!("{before}{BEGIN}\n\n{}\n{END}{after}", table(language, &figures));
        if std::env::var_os("UPDATE_DOCS").is_some() || std::env::var_os("UPDATE_ABUSE").is_some() {
            fs::write(&path, wanted).expect("the page is written");
        } else {
            assert_eq!(page, wanted, "{}: make docs writes it again", path.display());
        }
    }
}
