//! Certificates: the good one passes, the others are named for what they are.
//!
//! The files in `certificates/` were made once with `openssl ca`: a root that is
//! trusted by these tests only, and three certificates of one key for 127.0.0.1
//! (valid from 2000 to 2198, expired in 2001, valid from 2197 on).

use std::sync::Arc;

use charmkeeper_accounts::broker::{BrokerConfig, Fetched, RunBudget};
use charmkeeper_base::ErrorKind;
use charmkeeper_base::time::FakeClock;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::support::*;

const ROOT: &[u8] = include_bytes!("certificates/root.pem");
const KEY: &[u8] = include_bytes!("certificates/key-for-tests.pem");

/// One request to a server with this certificate, by a broker that trusts the
/// root or does not.
async fn fetch(certificate: &'static [u8], trusted: bool) -> Fetched {
    let chain = vec![CertificateDer::from_pem_slice(certificate).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(KEY).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("https://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            if read(&mut stream).await.is_some() {
                write(&mut stream, json(200, "{}")).await;
            }
        }
    });
    let extra_roots = if trusted { vec![ROOT.to_vec()] } else { vec![] };
    let config = BrokerConfig {
        extra_roots,
        ..BrokerConfig::default()
    };
    let (tokens, clock) = (Arc::default(), Arc::new(FakeClock::at(NOW)));
    let broker = broker(&base, &tokens, &clock, &config);
    let policy = policy();
    let budget = RunBudget::new(&policy.caps);
    let fetched = broker.fetch(&policy, &budget, get(PROFILE)).await;
    server.abort();
    fetched
}

#[tokio::test]
async fn a_certificate_that_is_trusted_and_in_date_passes() {
    let fetched = fetch(include_bytes!("certificates/valid.pem"), true).await;
    assert_eq!(fetched.result.unwrap().status, 200);
}

#[tokio::test]
async fn certificates_out_of_date_point_to_the_clock() {
    let expired: &[u8] = include_bytes!("certificates/expired.pem");
    let future: &[u8] = include_bytes!("certificates/future.pem");
    for (certificate, part) in [(expired, "has expired"), (future, "is not valid yet")] {
        let error = fetch(certificate, true).await.result.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Offline);
        assert!(error.message.contains(part), "{}", error.message);
        assert!(
            error.message.contains("date of this computer"),
            "{}",
            error.message
        );
    }
}

#[tokio::test]
async fn a_certificate_of_an_unknown_issuer_is_not_trusted() {
    let error = fetch(include_bytes!("certificates/valid.pem"), false)
        .await
        .result
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Offline);
    assert!(
        error.message.contains("does not trust"),
        "{}",
        error.message
    );
}
