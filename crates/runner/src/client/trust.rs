//! Whom a mock subscriber trusts when it speaks TLS.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WantsClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

/// Which certificates of hubs are accepted.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// Certificate authorities in PEM, beside the system's.
    pub authorities: Vec<Authority>,
    /// Only the authorities above, not the system's.
    pub only_these: bool,
    /// Any certificate; for test beds.
    pub insecure: bool,
    /// The certificate that is shown to the hub, where it asks for one.
    pub identity: Option<Identity>,
}

/// A certificate of castspec's own, for hubs that ask for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The certificate and those that vouch for it (PEM).
    pub certificate: PathBuf,
    /// Its private key (PEM); it may stand in the same file.
    pub key: PathBuf,
}

/// A certificate authority.
#[derive(Debug, Clone)]
pub enum Authority {
    /// A file in PEM.
    File(PathBuf),
    /// PEM text.
    Pem(String),
}

/// Why trust could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The file cannot be read or holds no certificate.
    #[error("{}: no certificate authority could be read from it: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        problem: String,
    },
    /// The client certificate or its key cannot be used.
    #[error("{}: no client certificate with its key could be read from it: {problem}", path.display())]
    Identity {
        /// The file.
        path: PathBuf,
        /// The cause.
        problem: String,
    },
    /// A header that is none.
    #[error("'{name}' with its value is no header: {problem}")]
    Header {
        /// Its name.
        name: String,
        /// The cause.
        problem: String,
    },
    /// The proxy is none that can be used.
    #[error("the proxy cannot be used: it is named as http://proxy.example.com:3128")]
    Proxy,
    /// The TLS library refuses the settings.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

impl Trust {
    /// Trusts this authority alone.
    pub fn only_pem(pem: &str) -> Self {
        Self {
            authorities: vec![Authority::Pem(pem.to_owned())],
            only_these: true,
            ..Self::default()
        }
    }

    /// Trusts the system's authorities and those of this file.
    pub fn with_file(path: &Path) -> Self {
        Self {
            authorities: vec![Authority::File(path.to_owned())],
            ..Self::default()
        }
    }

    /// The settings for rustls, without ALPN.
    ///
    /// # Errors
    /// When a file holds no certificate, or the TLS library refuses the settings.
    pub fn client_config(&self) -> Result<ClientConfig, TrustError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| TrustError::Tls(error.to_string()))?;
        if self.insecure {
            let verifier = Arc::new(AnyCertificate(provider));
            return self.identify(builder.dangerous().with_custom_certificate_verifier(verifier));
        }
        let mut roots = RootCertStore::empty();
        if !self.only_these {
            // A machine without a store of its own still reaches hubs whose authority is named.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        for authority in &self.authorities {
            let (path, certificates) = match authority {
                Authority::File(path) => {
                    let error = |problem: String| TrustError::File {
                        path: path.clone(),
                        problem,
                    };
                    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path)
                        .map_err(|problem| error(problem.to_string()))?
                        .collect();
                    (path.clone(), found.map_err(|problem| error(problem.to_string()))?)
                }
                Authority::Pem(pem) => {
                    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
                    (
                        PathBuf::new(),
                        found.map_err(|problem| TrustError::Tls(problem.to_string()))?,
                    )
                }
            };
            if certificates.is_empty() {
                let problem = "it holds no certificate in PEM".to_owned();
                return Err(TrustError::File { path, problem });
            }
            for certificate in certificates {
                roots.add(certificate).map_err(|problem| TrustError::File {
                    path: path.clone(),
                    problem: problem.to_string(),
                })?;
            }
        }
        self.identify(builder.with_root_certificates(roots))
    }

    fn identify(
        &self,
        builder: rustls::ConfigBuilder<ClientConfig, WantsClientCert>,
    ) -> Result<ClientConfig, TrustError> {
        let Some(identity) = &self.identity else {
            return Ok(builder.with_no_client_auth());
        };
        let wrong = |path: &Path, problem: String| TrustError::Identity {
            path: path.to_owned(),
            problem,
        };
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_file_iter(&identity.certificate)
            .map_err(|problem| wrong(&identity.certificate, problem.to_string()))?
            .collect();
        let certificates =
            certificates.map_err(|problem| wrong(&identity.certificate, problem.to_string()))?;
        let key = PrivateKeyDer::from_pem_file(&identity.key)
            .map_err(|problem| wrong(&identity.key, problem.to_string()))?;
        builder
            .with_client_auth_cert(certificates, key)
            .map_err(|problem| wrong(&identity.certificate, problem.to_string()))
    }
}

/// Accepts every certificate; the signatures of the handshake are still verified.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
