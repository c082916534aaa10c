//! No password, key or secret is anywhere in the tree, so that no installation can have the same as another.

use std::path::{Path, PathBuf};
use std::process::Command;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Files that set something up: here a secret would be a default.
const CONFIGURATION: [&str; 10] = ["yml", "yaml", "toml", "conf", "service", "env", "ini", "cfg", "sh", "sql"];

#[test]
fn the_tree_holds_no_secret() {
    let files = files_of_the_tree();
    assert!(files.iter().any(|file| file.ends_with("Cargo.toml")), "no file of the tree was found");
    let found: Vec<_> = files
        .iter()
        .filter_map(|file| Some((file, std::fs::read_to_string(Path::new(ROOT).join(file)).ok()?)))
        .flat_map(|(file, text)| secrets(file, &text))
        .collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_planted_secret_is_found() {
    let private_key = format!("-----BEGIN {} KEY-----\n{}\n", "PRIVATE", "MC4CAQAwBQYDK2VwBCIEI".repeat(3));
    for (file, text) in [
        ("gateway/tls.key", private_key.as_str()),
        ("docker-compose.yml", "      POSTGRES_PASSWORD: postgres\n"),
        ("deploy/start.sh", "export DB_PASSWORD='hunter2'\n"),
        ("auth.toml", "jwt_secret = \"change-me\"\n"),
        ("auth.env", "DATABASE=postgres://auth:hunter2@db/auth\n"),
        ("auth.conf", &format!("master {}\n", "a1".repeat(32))),
    ] {
        assert_eq!(secrets(Path::new(file), text).len(), 1, "{file}");
    }
    for (file, text) in [
        ("docker-compose.yml", "      POSTGRES_PASSWORD_FILE: /run/secrets/auth-database\n"),
        ("docker-compose.yml", "      POSTGRES_PASSWORD: ${AUTH_DATABASE_PASSWORD:?say it}\n"),
        ("docker-compose.yml", "secrets:\n  auth-master-key:\n    file: ${SECRETS:?}/auth\n"),
        ("auth.env", "# password: in a file of mode 600\n"),
        ("src/lib.rs", "let url = \"postgres://auth:hunter2@db/auth\";"),
    ] {
        assert_eq!(secrets(Path::new(file), text), Vec::<String>::new(), "{file}");
    }
}

/// What git would commit; where there is no git, everything but what is built.
fn files_of_the_tree() -> Vec<PathBuf> {
    let listed = Command::new("git")
        .args(["-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .output()
        .ok()
        .filter(|output| output.status.success())
        .map(|output| String::from_utf8_lossy(&output.stdout).split_terminator('\0').map(PathBuf::from).collect());
    listed.unwrap_or_else(|| below(Path::new("")))
}

fn below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(Path::new(ROOT).join(folder)).unwrap();
    entries
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_name() != "target" && entry.file_name() != ".git")
        .flat_map(|entry| {
            let path = folder.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() { below(&path) } else { vec![path] }
        })
        .collect()
}

fn secrets(file: &Path, text: &str) -> Vec<String> {
    let told = |line: usize, what: &str| format!("{}:{}: {what}", file.display(), line + 1);
    let configures =
        file.extension().and_then(|extension| extension.to_str()).is_some_and(|e| CONFIGURATION.contains(&e));
    let lines: Vec<_> = text.lines().collect();
    let mut found = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let next = lines.get(number + 1).copied().unwrap_or_default();
        if line.trim_start().starts_with("-----BEGIN ") && line.contains("PRIVATE KEY") && is_base64(next) {
            found.push(told(number, "a private key"));
        }
        if !configures || line.trim_start().starts_with(['#', ';']) || line.trim_start().starts_with("--") {
            continue;
        }
        if line.split(|c: char| !c.is_ascii_alphanumeric()).any(is_key_in_hexadecimal) {
            found.push(told(number, "a key in hexadecimal"));
        } else if is_password_in_a_url(line) || is_assignment_of_a_secret(line) {
            found.push(told(number, "a secret with a value"));
        }
    }
    found
}

fn is_base64(line: &str) -> bool {
    line.len() >= 40 && line.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte))
}

fn is_key_in_hexadecimal(word: &str) -> bool {
    word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `scheme://user:password@host`, unless the password is filled in from elsewhere.
fn is_password_in_a_url(line: &str) -> bool {
    line.split("://").skip(1).any(|rest| {
        let authority = rest.split(['/', ' ', '"', '\'']).next().unwrap_or_default();
        let user = authority.rsplit_once('@').map(|(user, _)| user);
        user.and_then(|user| user.split_once(':')).is_some_and(|(_, password)| is_value(password))
    })
}

/// `name: value` or `name = value`, where the name speaks of a secret and not of a file that holds it.
fn is_assignment_of_a_secret(line: &str) -> bool {
    let Some((name, value)) = line.split_once(['=', ':']) else { return false };
    let name = name.trim().rsplit(' ').next().unwrap_or_default().trim_matches(['"', '\'']).to_lowercase();
    let speaks = ["password", "passwd", "secret", "private_key", "token"].iter().any(|word| name.ends_with(word));
    speaks && is_value(value.trim().trim_matches(['"', '\'']))
}

/// Neither empty, nor filled in from a variable, nor the path of a file.
fn is_value(text: &str) -> bool {
    !text.is_empty() && !text.starts_with(['$', '/', '{', '[', '|', '&'])
}
