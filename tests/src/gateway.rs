//! The gateway: nginx with the configuration that ships, before a cloud's services. Owns where it listens, whom it asks and whose key it has;
//! the rest is as it stands.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tokio::net::TcpStream;

use crate::api::Api;
use crate::buyer::Session;
use crate::cloud::{Cloud, Part};
use crate::process::{Process, command, run_well};
use crate::proxy::Proxy;
use crate::wait::{PATIENCE, until};

const NGINX: &str = "/usr/sbin/nginx";
const OPENSSL: &str = "/usr/bin/openssl";
const CERTIFICATE: &str = "gateway-certificate";
const CONFIGURATION: &str = include_str!("../../cloud/gateway/nginx.conf");
/// Nobody else's connections leave from there, so that the port that was chosen is still free a moment later.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// A running gateway. Dropping it kills it.
pub struct Gateway {
    line: Proxy,
    certificate: PathBuf,
    _nginx: Process,
}

impl Gateway {
    /// What one needs, as Debian calls it.
    pub const PACKAGES: &str = "nginx-light openssl";

    /// Whether that is installed.
    pub fn is_installed() -> bool {
        [NGINX, OPENSSL].into_iter().all(|program| Path::new(program).is_file())
    }

    /// Starts one before the services of a cloud.
    pub async fn open(cloud: &Cloud) -> Result<Self> {
        ensure!(Self::is_installed(), "no gateway without its programs: `apt-get install {}`", Self::PACKAGES);
        let folder = cloud.folder().join("gateway");
        std::fs::create_dir_all(&folder)?;
        certify(&folder).await?;
        let address = TcpListener::bind((ADDRESS, 0))?.local_addr()?;
        let place = folder.display().to_string();
        let services = [(Part::Auth, 8001), (Part::Tickets, 8002), (Part::Validation, 8003), (Part::Admin, 8004)]
            .map(|(part, port)| (format!("127.0.0.1:{port}"), cloud.line(part).address().to_string()));
        // The folder may itself be in /tmp.
        let ours = [("/tmp/", format!("{place}/")), ("/run/secrets/", format!("{place}/"))]
            .map(|(theirs, ours)| (theirs.to_owned(), ours));
        let mut configuration = CONFIGURATION.to_owned();
        // Gates ask the system, which need not know what is below `localhost`.
        let names =
            [("listen 8443", format!("listen {address}")), ("name validation.*", "name validation.* localhost".into())]
                .map(|(theirs, ours)| (theirs.to_owned(), ours));
        for (theirs, ours) in ours.into_iter().chain(services).chain(names) {
            ensure!(configuration.contains(&theirs), "nginx.conf says nothing of {theirs} any more");
            configuration = configuration.replace(&theirs, &ours);
        }
        let file = folder.join("nginx.conf");
        std::fs::write(&file, configuration).with_context(|| format!("{} cannot be written", file.display()))?;
        let mut nginx = command(Path::new(NGINX));
        // One process, so that none outlives this one.
        nginx.arg("-c").arg(&file).args(["-e", "stderr", "-g", "daemon off; master_process off;"]);
        let nginx = Process::start("gateway", &mut nginx, &cloud.folder().join("gateway.log"))?;
        until("the gateway listened", PATIENCE, async || Ok(TcpStream::connect(address).await.ok().map(drop))).await?;
        let line = Proxy::bind().await?;
        line.point_to(address);
        Ok(Self { line, certificate: folder.join(CERTIFICATE), _nginx: nginx })
    }

    /// The line to it.
    pub fn line(&self) -> &Proxy {
        &self.line
    }

    /// Where a gate finds validation.
    pub fn gate_url(&self) -> String {
        format!("https://localhost:{}", self.line.address().port())
    }

    /// What somebody has to trust who asks it.
    pub fn certificate(&self) -> &Path {
        &self.certificate
    }

    /// Where a browser finds a service: at a host of its own, which is this machine to every browser (RFC 6761, 6.3).
    pub fn url(&self, service: Part) -> String {
        format!("https://{}:{}", host(service), self.line.address().port())
    }

    /// Signs somebody in as admin's pages do, by the paths that the gateway alone has. The answer is admin, as they call it.
    pub async fn sign_in(&self, email: &str, password: &str) -> Result<Api> {
        let url = self.url(Part::Admin);
        let page = Api::behind_gateway(url.clone(), &host(Part::Admin), self.line.address())?;
        let own: Session = page.post("/sign-in/sessions", &json!({ "email": email, "password": password })).await?;
        let page = page.signed_in(url.clone(), &own.access_token);
        let exchanged: Session = page.post("/sign-in/access-tokens", &json!({ "audience": "admin" })).await?;
        Ok(page.signed_in(url, &exchanged.access_token))
    }
}

fn host(service: Part) -> String {
    format!("{service}.localhost")
}

/// A key, and a certificate for gates that nobody else vouches for.
async fn certify(folder: &Path) -> Result<()> {
    let mut openssl = command(Path::new(OPENSSL));
    openssl.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=gateway", "-keyout"]);
    openssl.arg(folder.join("gateway-key")).arg("-out").arg(folder.join(CERTIFICATE));
    openssl.args(["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"]);
    run_well(openssl).await.map(drop)
}
