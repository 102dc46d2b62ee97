//! The way to the database is guarded as the operator asked, by password too.

use crate::fixtures::*;
use crypto::secret::Secret;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::postgres::{OpenFault, PostgresConfig, PostgresStore, Shards, Tls, init};

/// A root's certificate, and that of a server under it, as files.
fn certificates(directory: &Path, host: &str) -> PathBuf {
    let mut root = CertificateParams::new(Vec::<String>::new()).unwrap();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = CertifiedIssuer::self_signed(root, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(vec![host.to_owned()]).unwrap().signed_by(&key, &root).unwrap();
    std::fs::write(directory.join("server.crt"), server.pem()).unwrap();
    std::fs::write(directory.join("server.key"), key.serialize_pem()).unwrap();
    let file = directory.join("root.pem");
    std::fs::write(&file, root.pem()).unwrap();
    file
}

fn open(config: &PostgresConfig) -> Result<PostgresStore, OpenFault> {
    block_on(PostgresStore::open(config))
}

#[test]
fn a_guarded_way_is_taken_and_an_unknown_or_another_hosts_certificate_is_refused() {
    let (files, others) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let root = certificates(files.path(), "localhost");
    let other_root = certificates(others.path(), "localhost");
    let cluster = testdb::Cluster::start_with(&[], &[("FEIQIAN_TEST_TLS_DIR", files.path())]);
    testdb::say(cluster.url(), "CREATE ROLE shop LOGIN SUPERUSER");
    let url = |host: &str, mode: &str| {
        format!("{}?sslmode={mode}", cluster.url().replace("127.0.0.1", host).replace("postgres@", "shop@"))
    };
    let mut config = postgres_config(&url("localhost", "verify-full"));
    config.root_ca_file = Some(root.clone());
    block_on(init(&config, TODAY, Shards::default())).unwrap();
    open(&config).unwrap();

    let is_guarded = "SELECT COUNT(*)::bigint FROM pg_stat_ssl s JOIN pg_stat_activity a ON a.pid = s.pid \
        WHERE a.usename = 'shop' AND s.ssl";
    let guarded = |config: &PostgresConfig| {
        let store = open(config).unwrap();
        block_on(store::Reads::ping(&store)).unwrap();
        Place::Named(cluster.url().to_owned()).number(is_guarded)
    };
    assert!(guarded(&config) > 0, "the connection of the read pool is encrypted");
    let refused = |change: &dyn Fn(&mut PostgresConfig)| {
        let mut changed = config.clone();
        change(&mut changed);
        open(&changed).unwrap_err()
    };
    let unknown = refused(&|config| config.root_ca_file = Some(other_root.clone()));
    assert!(unknown.to_string().contains("certificate"), "{unknown}");
    let rootless = refused(&|config| config.root_ca_file = None);
    assert!(matches!(rootless, OpenFault::Tls(_)), "{rootless}");
    let mut elsewhere = postgres_config(&url("127.0.0.1", "verify-full"));
    elsewhere.root_ca_file = Some(root.clone());
    let fault = open(&elsewhere).unwrap_err();
    assert!(fault.to_string().contains("certificate"), "another host's: {fault}");
    // Encrypted, whoever answers; with roots their word is asked for all the same.
    let mut any = postgres_config(&url("127.0.0.1", "require"));
    assert_eq!(any.tls, Tls::Require);
    assert!(guarded(&any) > 0);
    any.root_ca_file = Some(other_root);
    assert!(open(&any).is_err());
}

#[test]
fn a_password_is_asked_for_and_never_told() {
    let cluster = testdb::Cluster::start(&[]);
    testdb::say(cluster.url(), "CREATE ROLE shop LOGIN SUPERUSER PASSWORD 'PLANTED-RIGHT'");
    testdb::say(
        cluster.url(),
        "DO $$ BEGIN EXECUTE format('COPY (VALUES (''host all shop 127.0.0.1/32 scram-sha-256''), \
         (''host all all 127.0.0.1/32 trust'')) TO %L', current_setting('hba_file')); END $$; SELECT pg_reload_conf()",
    );
    let url = cluster.url().replace("postgres@", "shop@");
    let mut config = postgres_config(&url);
    // The server reads its rules again in its own time.
    let until = Instant::now() + Duration::from_secs(20);
    let fault = loop {
        match open(&config) {
            Err(fault) if fault.to_string().contains("password") => break fault,
            other => assert!(Instant::now() < until, "{other:?}"),
        }
    };
    assert!(matches!(fault, OpenFault::Store(store::StoreError::Unavailable(_))), "{fault}");
    config.password = Some(Arc::new(Secret::new("PLANTED-WRONG".to_owned())));
    let fault = open(&config).unwrap_err();
    assert!(!format!("{fault} {fault:?} {config:?}").contains("PLANTED"), "{fault}");
    config.password = Some(Arc::new(Secret::new("PLANTED-RIGHT".to_owned())));
    block_on(init(&config, TODAY, Shards::default())).unwrap();
    assert!(!format!("{:?} {config:?}", open(&config).unwrap()).contains("PLANTED"));
}
