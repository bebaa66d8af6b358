//! Settings of the disks: what must stay free of them, and what tenants and runs may take.

use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DiskSettings {
    /// A disk with less free than this, and less than `floor_percent` of it, is full: nothing starts, nothing is taken on,
    /// and the runs that write are ended.
    pub floor_mib: u64,
    pub floor_percent: u8,
    /// The room that is kept back for the center itself, half of the floor at most.
    pub reserve_mib: u64,
    /// The part of the disk that one tenant's runs may take.
    pub tenant_percent: u8,
    /// In place of that part, so much.
    pub tenant_mib: Option<u64>,
    /// The most files and folders of one tenant.
    pub tenant_files: u64,
    /// The most that one run may take, with the folder of its job.
    pub run_mib: Option<u64>,
}

impl Default for DiskSettings {
    fn default() -> Self {
        Self {
            floor_mib: 4096,
            floor_percent: 5,
            reserve_mib: 64,
            tenant_percent: 80,
            tenant_mib: None,
            tenant_files: 5_000_000,
            run_mib: None,
        }
    }
}

impl DiskSettings {
    pub(super) fn problem(&self) -> Option<String> {
        let percents =
            [("floor_percent", self.floor_percent, 50), ("tenant_percent", self.tenant_percent, 100)];
        let wrong = percents.into_iter().find(|(_, value, most)| value > most || *value == 0);
        if let Some((key, value, most)) = wrong {
            return Some(format!("`disk.{key}` is {value}: it must be between 1 and {most}"));
        }
        let positive = [
            ("floor_mib", Some(self.floor_mib)),
            ("reserve_mib", Some(self.reserve_mib)),
            ("tenant_mib", self.tenant_mib),
            ("tenant_files", Some(self.tenant_files)),
            ("run_mib", self.run_mib),
        ];
        let (key, _) = positive.into_iter().find(|(_, value)| *value == Some(0))?;
        Some(format!("`disk.{key}` is 0: it must be above 0"))
    }
}
