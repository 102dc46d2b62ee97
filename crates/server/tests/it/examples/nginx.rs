//! nginx with TLS in front of a server, as an operator sets it up: a certificate of its own authority, `X-Forwarded-For`.

use crate::harness::process::Process;
use crate::harness::server::free_port;
use crate::harness::{Server, Setting, until};
use std::cell::RefCell;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

/// From where nginx calls the server: the only proxy that it trusts. Clients call nginx from other addresses.
const PROXY_ADDRESS: &str = "127.0.0.2";

/// One process in the foreground, so that ending it leaves none behind.
const OWN_FOLDERS: &str = "daemon off; master_process off; pid nginx.pid; events {}";
const TEMPORARY: &str = "client_body_temp_path work/body; proxy_temp_path work/proxy; fastcgi_temp_path work/f; \
                         uwsgi_temp_path work/u; scgi_temp_path work/s;";

/// A running nginx.
pub struct Nginx {
    dir: tempfile::TempDir,
    port: u16,
    plain_port: u16,
    /// Where the server listens, `host:port`.
    upstream: String,
    process: Option<Process>,
}

impl Nginx {
    /// The place of a proxy that is to be started: the server's `public_url` needs its port first.
    pub fn prepare() -> Nginx {
        let dir = tempfile::Builder::new().prefix("feiqian-nginx-").tempdir().expect("a scratch directory");
        certificates(dir.path());
        Nginx { dir, port: free_port(), plain_port: free_port(), upstream: String::new(), process: None }
    }

    /// Where merchants call.
    pub fn public_url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// The certificate authority that clients must trust.
    pub fn authority(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    /// A server whose public URL is this proxy's and which trusts it, and no other peer, about its clients.
    pub fn server(&mut self, more: &[Setting]) -> Server {
        // A case or two; settings are text of the program's own elsewhere.
        let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
        let mut settings: Vec<Setting> = vec![
            ("", "public_url", leak(format!("\"{}\"", self.public_url()))),
            ("", "trusted_proxies", leak(format!("[\"{PROXY_ADDRESS}/32\"]"))),
        ];
        settings.extend(more);
        let server = Server::start(&settings);
        self.upstream = server.listen_url().trim_start_matches("http://").to_owned();
        server
    }

    /// Starts it; `more` are further lines of its `location`.
    pub async fn start(&mut self, more: &str) {
        let text = self.config(more);
        self.start_with(&text).await;
    }

    /// Starts it with the file that operators install, its ports, names and paths changed as its first lines ask for.
    pub async fn start_as_shipped(&mut self) {
        let text = self.shipped();
        self.start_with(&text).await;
    }

    async fn start_with(&mut self, text: &str) {
        self.stop();
        let config = self.dir.path().join("nginx.conf");
        std::fs::write(&config, text).expect("the configuration is written");
        let mut command = Command::new(program());
        command.arg("-p").arg(self.dir.path()).arg("-c").arg(&config);
        // Without -e it first tries its log of the whole machine.
        command.arg("-e").arg(self.dir.path().join("error.log"));
        let (log, work) = (self.dir.path().join("nginx.log"), self.dir.path().join("work"));
        std::fs::create_dir_all(&work).expect("its scratch directory");
        let process = RefCell::new(Process::start(&mut command, &log, &work));
        until("a connection to nginx", || async {
            let ended = process.borrow_mut().ended();
            let log = || std::fs::read_to_string(&log).unwrap_or_default();
            assert!(ended.is_none(), "nginx ended with {ended:?}: {}", log());
            tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.ok()
        })
        .await;
        self.process = Some(process.into_inner());
    }

    /// Ends it.
    pub fn stop(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill();
        }
    }

    /// Where plain HTTP is answered, in the file that operators install.
    pub fn plain_port(&self) -> u16 {
        self.plain_port
    }

    fn shipped(&self) -> String {
        let path = crate::cases_b::python::root().join("deploy/nginx/feiqian.conf");
        let mut text = std::fs::read_to_string(path).expect("the file that operators install");
        for (from, to) in [
            ("server 127.0.0.1:8080;", format!("server {};", self.upstream)),
            ("listen 80;", format!("listen 127.0.0.1:{};", self.plain_port)),
            ("listen 443 ssl;", format!("listen 127.0.0.1:{} ssl;", self.port)),
            ("/etc/feiqian/tls/fullchain.pem", "server.pem".to_owned()),
            ("/etc/feiqian/tls/privkey.pem", "server.key".to_owned()),
            // Here the proxy is told from its clients by an address of its own.
            ("proxy_pass http://feiqian;", format!("proxy_pass http://feiqian; proxy_bind {PROXY_ADDRESS};")),
        ] {
            assert!(text.contains(from), "deploy/nginx/feiqian.conf has no {from}");
            text = text.replace(from, &to);
        }
        let text = text.replace("pay.example.com", "localhost");
        format!("{OWN_FOLDERS} http {{ access_log off; {TEMPORARY}\n{text}\n}}\n")
    }

    fn config(&self, more: &str) -> String {
        let port = self.port;
        let six = match TcpListener::bind("[::1]:0") {
            Ok(_) => format!("listen [::1]:{port} ssl;"),
            Err(_) => String::new(),
        };
        format!(
            "{OWN_FOLDERS}\n\
             http {{\n\
               access_log off; {TEMPORARY}\n\
               server {{\n\
                 listen 127.0.0.1:{port} ssl; {six}\n\
                 ssl_certificate server.pem; ssl_certificate_key server.key;\n\
                 location / {{\n\
                   proxy_pass http://{upstream}; proxy_bind {PROXY_ADDRESS};\n\
                   proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n\
                   {more}\n\
                 }}\n\
               }}\n\
             }}\n",
            upstream = self.upstream,
        )
    }
}

/// Debian keeps it where only root looks.
fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    let found = folders.map(|folder| folder.join("nginx")).find(|path| path.is_file());
    found.expect("nginx is needed: scripts/setup.sh test installs it")
}

/// An authority, and a certificate of its for `localhost`.
fn certificates(dir: &Path) {
    std::fs::write(dir.join("san"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n").expect("a file");
    let new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    let authority =
        ["req", "-x509", "-days", "2", "-subj", "/CN=test CA", "-keyout", "ca.key", "-out", "ca.pem"];
    let request = ["req", "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr"];
    let signed = ["x509", "-req", "-days", "2", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key"];
    let rest = ["-CAcreateserial", "-extfile", "san", "-out", "server.pem"];
    for arguments in [
        [&authority[..], &new_key].concat(),
        [&request[..], &new_key].concat(),
        [&signed[..], &rest].concat(),
    ] {
        run("openssl", &arguments, dir);
    }
}

/// Runs a tool that must succeed, in a folder.
pub fn run(tool: &str, arguments: &[&str], dir: &Path) {
    let output = Command::new(tool).args(arguments).current_dir(dir).output();
    let output =
        output.unwrap_or_else(|fault| panic!("{tool} is needed: {fault}; scripts/setup.sh test installs it"));
    assert!(output.status.success(), "{tool} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}
