//! The settings that every noun may need. A center's own settings are its own.

use std::num::NonZeroU32;

use domain::Zone;
use serde::Deserialize;

use crate::{
    approval::settings::ApprovalSettings,
    auth::second_factor::SecondFactorOf,
    notice::settings::{MailSettings, NoticeSettings},
};

#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub name_zh: String,
    pub name_en: String,
    /// By whose days and months the center meters, bills and tells the time.
    pub time_zone: &'static Zone,
    pub limits: LimitSettings,
    pub approval: ApprovalSettings,
    /// Who must have a second factor.
    pub second_factor: SecondFactorOf,
    pub notices: NoticeSettings,
    pub mail: MailSettings,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitSettings {
    pub body_kib: usize,
    pub requests_per_second: NonZeroU32,
    pub sign_ins_per_minute: NonZeroU32,
    /// Applications by strangers that one address may draw up, change or look for without their secret, an hour.
    pub applications_per_hour: NonZeroU32,
    /// The most event and log streams open at once.
    pub streams: usize,
    pub session_hours: i64,
    pub token_days: i64,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            body_kib: 1024,
            requests_per_second: const { NonZeroU32::new(200).unwrap() },
            sign_ins_per_minute: const { NonZeroU32::new(10).unwrap() },
            applications_per_hour: const { NonZeroU32::new(30).unwrap() },
            streams: 512,
            session_hours: 12,
            token_days: 90,
        }
    }
}
