//! The requirements that a defect breaks in each of the versions that it is meant for.

use super::Defect;
use crate::protocol::Version;

impl Defect {
    /// The defects that are meant for a version.
    pub fn of(version: Version) -> Vec<Self> {
        let all = Self::all().iter().copied();
        all.filter(|defect| defect.versions().contains(&version))
            .collect()
    }

    /// The ids of the requirements that it breaks in the first of its versions: each must be seen to fail.
    pub fn breaks(self) -> &'static [&'static str] {
        self.versions()
            .first()
            .map_or(&[], |version| self.breaks_in(*version))
    }

    /// The ids of the requirements that it breaks in a version: each must be seen to fail. None where it is not meant for
    /// the version.
    pub fn breaks_in(self, version: Version) -> &'static [&'static str] {
        self.list(version, self.own_breaks(), self.common_breaks())
    }

    /// The ids of further requirements that such a hub cannot keep either, in some flows of the first of its versions.
    pub fn consequences(self) -> &'static [&'static str] {
        self.versions()
            .first()
            .map_or(&[], |version| self.consequences_in(*version))
    }

    /// The ids of further requirements that such a hub cannot keep either, in some flows of a version: each may be seen to
    /// fail.
    pub fn consequences_in(self, version: Version) -> &'static [&'static str] {
        self.list(version, self.own_consequences(), self.common_consequences())
    }

    fn list(
        self,
        version: Version,
        of_versions: &'static [(Version, &'static [&'static str])],
        common: &'static [&'static str],
    ) -> &'static [&'static str] {
        if !self.versions().contains(&version) {
            return &[];
        }
        let found = of_versions.iter().find(|(of, _)| *of == version);
        found.map_or(common, |(_, ids)| ids)
    }
}
