//! Certificates: the good one passes, the others are named for what they are.
//!
//! Each test makes a root of its own and a certificate for 127.0.0.1 below it, so
//! that no key is kept in a file.

use std::sync::Arc;

use charmkeeper_accounts::broker::{BrokerConfig, Fetched, RunBudget};
use charmkeeper_base::ErrorKind;
use charmkeeper_base::time::FakeClock;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::support::*;

/// The first and the last year of a certificate.
type Years = (i32, i32);
const IN_DATE: Years = (2000, 2198);
const EXPIRED: Years = (2000, 2001);
const FUTURE: Years = (2197, 2198);

/// A root that nobody trusts yet.
fn root() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    (params.not_before, params.not_after) = (date_time_ymd(2000, 1, 1), date_time_ymd(2199, 1, 1));
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// One request to a server with a certificate of these years, by a broker that
/// trusts its root or does not.
async fn fetch((first, last): Years, trusted: bool) -> Fetched {
    let root = root();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    (params.not_before, params.not_after) = (date_time_ymd(first, 1, 1), date_time_ymd(last, 1, 1));
    let chain = vec![params.signed_by(&key, &root).unwrap().der().clone()];
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
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
    let extra_roots = if trusted {
        vec![root.pem().into_bytes()]
    } else {
        vec![]
    };
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
    let fetched = fetch(IN_DATE, true).await;
    assert_eq!(fetched.result.unwrap().status, 200);
}

#[tokio::test]
async fn certificates_out_of_date_point_to_the_clock() {
    for (years, part) in [(EXPIRED, "has expired"), (FUTURE, "is not valid yet")] {
        let error = fetch(years, true).await.result.unwrap_err();
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
    let error = fetch(IN_DATE, false).await.result.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Offline);
    assert!(
        error.message.contains("does not trust"),
        "{}",
        error.message
    );
}
