//! Headless Chromium, driven as a person would use it, and some things that no person can do: freeze a page, look at it with other eyes.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use countermark_tests::wait::{PATIENCE, until};
use image::RgbImage;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::driver::Driver;

const PROGRAMS: [&str; 2] = ["/usr/bin/chromium", "/usr/bin/chromedriver"];

/// A browser with one page.
pub(crate) struct Browser {
    driver: Driver,
}

/// An entry of the console.
#[derive(Deserialize)]
struct Said {
    level: String,
    message: String,
}

/// The accessibility tree, as Chromium's developer tools tell it.
#[derive(Deserialize)]
struct Tree {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    ignored: bool,
    role: Option<AccessibleValue>,
    name: Option<AccessibleValue>,
}

#[derive(Deserialize)]
struct AccessibleValue {
    #[serde(default)]
    value: Value,
}

impl Browser {
    /// Starts one with its files in `folder`, has it used, and ends it.
    pub(crate) async fn used(folder: &Path, how: impl AsyncFnOnce(&Self) -> Result<()>) -> Result<()> {
        for program in PROGRAMS {
            ensure!(
                Path::new(program).is_file(),
                "the screen is looked at with {program}, which is not here: `apt-get install chromium chromium-driver`"
            );
        }
        let home = folder.join("browser");
        std::fs::create_dir_all(&home)?;
        let profile = format!("--user-data-dir={}", home.join("profile").display());
        let arguments = [
            "--headless=new",
            // Tests run as root in containers; the pages are the gate's own.
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--mute-audio",
            // As the kiosk is started.
            "--autoplay-policy=no-user-gesture-required",
            "--ignore-certificate-errors",
            &profile,
        ];
        let browser = Self { driver: Driver::start(&home, PROGRAMS[0], &arguments).await? };
        let outcome = how(&browser).await;
        browser.driver.end().await?;
        outcome
    }

    /// Opens an address.
    pub(crate) async fn open(&self, address: &str) -> Result<()> {
        self.driver.open(address).await
    }

    /// Presses the button that says this, as a finger would: one that something covers cannot be pressed.
    pub(crate) async fn press(&self, says: &str) -> Result<()> {
        self.click(&format!("//button[contains(., \"{says}\")]")).await
    }

    /// Presses the key of a pad that says this and no more.
    pub(crate) async fn press_key(&self, says: char) -> Result<()> {
        self.click(&format!("//*[contains(@class, \"keys\")]/button[. = \"{says}\"]")).await
    }

    async fn click(&self, what: &str) -> Result<()> {
        // It may be drawn anew while it is looked for.
        until(format_args!("there was {what}"), PATIENCE, async || Ok(self.driver.click(what).await.ok())).await
    }

    /// Chooses what says this of a list.
    pub(crate) async fn choose(&self, says: &str) -> Result<()> {
        self.driver.click(&format!("//option[normalize-space() = \"{says}\"]")).await
    }

    /// Types into the field of a selector.
    pub(crate) async fn type_into(&self, selector: &str, text: &str) -> Result<()> {
        self.driver.type_into(selector, text).await
    }

    /// What a script answers.
    pub(crate) async fn ask<A: DeserializeOwned>(&self, script: &str) -> Result<A> {
        let answer = self.driver.execute(script).await?;
        serde_json::from_value(answer).with_context(|| script.to_owned())
    }

    /// Waits until a script answers `true`.
    pub(crate) async fn wait(&self, what: &str, script: &str) -> Result<()> {
        until(what, PATIENCE, async || Ok(self.ask::<bool>(&format!("return {script}")).await?.then_some(()))).await
    }

    /// Waits until the page has this look, and takes a copy of it as it is then: markup without scripts.
    pub(crate) async fn seen(&self, look: &str) -> Result<String> {
        self.seen_at(0, look).await
    }

    /// The same of the region of one lane of several, by its place.
    pub(crate) async fn seen_at(&self, place: usize, look: &str) -> Result<String> {
        let script = format!(
            "if (document.querySelectorAll('.lane')[{place}]?.dataset.look !== '{look}') return null;
             const copy = document.documentElement.cloneNode(true);
             copy.querySelectorAll('script, noscript, template').forEach((one) => one.remove());
             return '<!doctype html>' + copy.outerHTML;"
        );
        until(format_args!("the page looked {look}"), PATIENCE, async || self.ask(&script).await).await
    }

    /// Shows a copy, for as long as somebody wants to look at it, in the place of an open page that has no scripts.
    pub(crate) async fn freeze(&self, copy: &str) -> Result<()> {
        let frames = self.driver.tell("Page.getFrameTree", json!({})).await?;
        let frame = frames.pointer("/frameTree/frame/id").context("a page has a frame")?;
        self.tell("Page.setDocumentContent", json!({ "frameId": frame, "html": copy })).await?;
        self.wait(
            "the style sheet had come",
            "document.body !== null && getComputedStyle(document.body).display === 'flex'",
        )
        .await
    }

    /// What the browser complained of since it was last asked: errors and warnings, in its words.
    pub(crate) async fn complaints(&self) -> Result<Vec<String>> {
        let said: Vec<Said> = serde_json::from_value(self.driver.console().await?)?;
        Ok(said
            .into_iter()
            .filter(|said| matches!(&*said.level, "SEVERE" | "WARNING"))
            .map(|said| said.message)
            .collect())
    }

    /// What screen readers are told, in their order: role and name of everything that is there for them.
    pub(crate) async fn told(&self) -> Result<Vec<(String, String)>> {
        let tree: Tree = serde_json::from_value(self.driver.tell("Accessibility.getFullAXTree", json!({})).await?)?;
        let text = |value: Option<AccessibleValue>| {
            value.and_then(|value| value.value.as_str().map(str::to_owned)).unwrap_or_default()
        };
        let there = tree.nodes.into_iter().filter(|node| !node.ignored);
        Ok(there.map(|node| (text(node.role), text(node.name))).collect())
    }

    /// Has every page run a script before its own.
    pub(crate) async fn prepare(&self, script: &str) -> Result<()> {
        self.tell("Page.addScriptToEvaluateOnNewDocument", json!({ "source": script })).await
    }

    /// A display of so many pixels, of which a browser's zoom makes fewer and larger ones.
    pub(crate) async fn display(&self, width: u32, height: u32, zoom: u32) -> Result<()> {
        let (width, height) = (width / zoom, height / zoom);
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": zoom, "mobile": false });
        self.tell("Emulation.setDeviceMetricsOverride", metrics).await?;
        let size = format!("innerWidth === {width} && innerHeight === {height}");
        self.wait("the display had its size", &size).await
    }

    /// Looks with eyes that see colours otherwise: Chromium's own simulation.
    pub(crate) async fn eyes(&self, deficiency: &str) -> Result<()> {
        self.tell("Emulation.setEmulatedVisionDeficiency", json!({ "type": deficiency })).await
    }

    /// What is seen; kept for people, by name, in `tmp/screen` of cargo's target folder.
    pub(crate) async fn picture(&self, name: &str) -> Result<RgbImage> {
        let png = self.driver.picture().await?;
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("screen");
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join(format!("{name}.png")), &png)?;
        Ok(image::load_from_memory(&png)?.to_rgb8())
    }

    async fn tell(&self, command: &str, parameters: Value) -> Result<()> {
        self.driver.tell(command, parameters).await.map(drop)
    }
}
