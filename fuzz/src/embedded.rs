//! What is embedded in castspec, read once.

use std::sync::{Arc, LazyLock};

use castspec_fhircast::protocol::Version;
use castspec_fhircast::requirement::Catalogue;
use castspec_fhircast::schema::Schemas;

/// The requirements of all versions.
pub static CATALOGUE: LazyLock<Arc<Catalogue>> =
    LazyLock::new(|| Arc::new(Catalogue::embedded().expect("the embedded catalogue is in order")));

static SCHEMAS: LazyLock<Vec<Arc<Schemas>>> = LazyLock::new(|| {
    let load = |version| Arc::new(Schemas::load(version).expect("the embedded schemas are in order"));
    Version::ALL.into_iter().map(load).collect()
});

/// One of the versions.
pub fn version(number: u8) -> Version {
    Version::ALL[usize::from(number) % Version::ALL.len()]
}

/// The schemas of a version.
pub fn schemas(version: Version) -> Arc<Schemas> {
    let at = Version::ALL.iter().position(|known| *known == version);
    SCHEMAS[at.expect("every version is among all of them")].clone()
}
