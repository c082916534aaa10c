//! Chromium's driver, by the few words of its protocol that are needed (`WebDriver` of the W3C; `goog/cdp/execute` is Chromium's own). The crates that speak all of it
//! have `serde_json` keep its members in order for the whole workspace, and with it for what ships.

use std::path::Path;

use anyhow::{Context, Result, bail};
use countermark_tests::process::{self, Process};
use countermark_tests::wait::PATIENCE;
use reqwest::Method;
use serde_json::{Value, json};

const DRIVER: &str = "/usr/bin/chromedriver";
/// How an element is named in answers (`WebDriver` of the W3C, 12.1).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser's session.
pub(super) struct Driver {
    http: reqwest::Client,
    session: String,
    _chromedriver: Process,
}

impl Driver {
    /// Starts the driver and has it start a browser, both with their files in `home`.
    pub(super) async fn start(home: &Path, browser: &str, arguments: &[&str]) -> Result<Self> {
        let mut command = process::command(Path::new(DRIVER));
        command
            .arg("--port=0")
            .env("HOME", home)
            .env("PATH", "/usr/bin:/bin")
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC");
        let mut chromedriver = Process::start("chromedriver", &mut command, &home.join("chromedriver.log"))?;
        let port = loop {
            let line = chromedriver.expect_line(PATIENCE).await?;
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                break port.trim_end_matches('.').to_owned();
            }
        };
        let options = json!({ "binary": browser, "args": arguments });
        let asked = json!({ "capabilities": { "alwaysMatch": { "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" } } } });
        let mut driver = Self {
            http: reqwest::Client::builder().no_proxy().build()?,
            session: format!("http://127.0.0.1:{port}/session"),
            _chromedriver: chromedriver,
        };
        let session = driver.call(Method::POST, "", asked).await?;
        let session = session.get("sessionId").and_then(Value::as_str).context("there is no session")?;
        driver.session = format!("{}/{session}", driver.session);
        Ok(driver)
    }

    pub(super) async fn open(&self, address: &str) -> Result<()> {
        self.call(Method::POST, "/url", json!({ "url": address })).await.map(drop)
    }

    pub(super) async fn execute(&self, script: &str) -> Result<Value> {
        self.call(Method::POST, "/execute/sync", json!({ "script": script, "args": [] })).await
    }

    /// Clicks on what is there, unless something else is over it.
    pub(super) async fn click(&self, xpath: &str) -> Result<()> {
        let element = self.find("xpath", xpath).await?;
        self.call(Method::POST, &format!("/element/{element}/click"), json!({})).await.map(drop)
    }

    pub(super) async fn type_into(&self, selector: &str, text: &str) -> Result<()> {
        let element = self.find("css selector", selector).await?;
        self.call(Method::POST, &format!("/element/{element}/value"), json!({ "text": text })).await.map(drop)
    }

    /// A PNG.
    pub(super) async fn picture(&self) -> Result<Vec<u8>> {
        let picture = self.call(Method::GET, "/screenshot", Value::Null).await?;
        Ok(data_encoding::BASE64.decode(picture.as_str().context("there is no picture")?.as_bytes())?)
    }

    /// What the browser wrote to its console since it was last asked: Chromium's own, as its log types are.
    pub(super) async fn console(&self) -> Result<Value> {
        self.call(Method::POST, "/se/log", json!({ "type": "browser" })).await
    }

    /// One of the developer tools' commands.
    pub(super) async fn tell(&self, command: &str, parameters: Value) -> Result<Value> {
        self.call(Method::POST, "/goog/cdp/execute", json!({ "cmd": command, "params": parameters })).await
    }

    pub(super) async fn end(&self) -> Result<()> {
        self.call(Method::DELETE, "", Value::Null).await.map(drop)
    }

    async fn find(&self, using: &str, value: &str) -> Result<String> {
        let found = self.call(Method::POST, "/element", json!({ "using": using, "value": value })).await?;
        Ok(found.get(ELEMENT).and_then(Value::as_str).context("there is no element")?.to_owned())
    }

    async fn call(&self, method: Method, path: &str, body: Value) -> Result<Value> {
        let mut request = self.http.request(method, format!("{}{path}", self.session));
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let mut answer: Value = answer.json().await?;
        let value = answer.get_mut("value").map(Value::take).unwrap_or_default();
        if !status.is_success() {
            bail!("{path}: {}", value.get("message").and_then(Value::as_str).unwrap_or("the driver refused"));
        }
        Ok(value)
    }
}
