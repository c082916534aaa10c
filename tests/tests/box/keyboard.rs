//! A scanner that says it is a keyboard: a USB keyboard that qemu has (QEMU QMP Reference Manual: `device_add`, `send-key`).

use std::path::Path;

use anyhow::{Context, Result};
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::dialogue::Dialogue;

/// Between two of its signals, in milliseconds. It keeps sixteen that the guest has not taken, and the gate takes half a second of nothing for
/// the end of a line: a machine may stand still for 400 ms.
const PACE: u64 = 25;

/// The keyboard, in its box until somebody plugs it in.
pub(crate) struct Keyboard(Dialogue);

impl Keyboard {
    /// By qemu's own line.
    pub(crate) async fn at(socket: &Path) -> Result<Self> {
        Dialogue::with_qemu(socket).await.map(Self)
    }

    /// Plugs it into a port.
    pub(crate) async fn plug(&mut self, port: u8) -> Result<()> {
        let device = json!({ "driver": "usb-kbd", "id": "keyboard", "port": port.to_string() });
        let _: IgnoredAny = self.0.ask("device_add", device).await?;
        Ok(())
    }

    /// Types a line of capitals, digits and colons, as a scanner does that is set to a US keyboard.
    pub(crate) async fn type_line(&mut self, text: &str) -> Result<()> {
        let mut presses = text.chars().map(press).collect::<Result<Vec<_>>>()?;
        presses.push(vec!["ret".to_owned()]);
        for keys in presses {
            let keys: Vec<Value> = keys.iter().map(|key| json!({ "type": "qcode", "data": key })).collect();
            let _: IgnoredAny = self.0.ask("send-key", json!({ "keys": keys, "hold-time": PACE })).await?;
        }
        Ok(())
    }
}

/// The keys that are held together for a character.
fn press(character: char) -> Result<Vec<String>> {
    Ok(match character {
        '0'..='9' => vec![character.to_string()],
        'A'..='Z' => vec!["shift".to_owned(), character.to_ascii_lowercase().to_string()],
        ':' => vec!["shift".to_owned(), "semicolon".to_owned()],
        _ => None.with_context(|| format!("nobody here knows which key is {character:?}"))?,
    })
}
