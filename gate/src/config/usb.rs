//! What USB calls a device, as profiles say it and as people ask for it.

use serde::Deserialize;

/// A vendor, and one of its products or all.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrittenUsb {
    vendor: u16,
    product: Option<u16>,
}

impl WrittenUsb {
    /// As `lsusb -d` takes it.
    pub(crate) fn number(&self) -> String {
        let product = self.product.map(|product| format!("{product:04x}")).unwrap_or_default();
        format!("{:04x}:{product}", self.vendor)
    }
}
