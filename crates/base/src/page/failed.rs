//! How people are told of tries to sign in as them that failed.

use store::failed_sign_ins::FailedSignIns;

use super::{texts, words::Ui};

impl Ui {
    pub fn failed_sign_ins(&self, failed: &FailedSignIns) -> String {
        let FailedSignIns { tries, since, last_at, last_from, .. } = failed;
        let [since, last] = [since, last_at].map(|at| self.short_text(at));
        let values = [("n", &*tries.to_string()), ("since", &since), ("last", &last), ("from", last_from)];
        texts::text(self.lang, "failed-sign-ins", &values)
    }
}

#[cfg(test)]
mod tests {
    use domain::{Lang, PersonId, Timestamp};

    use super::*;

    #[test]
    fn they_are_told_with_their_number_times_and_address() {
        let at = |hour: i64| Timestamp::from_secs(1_779_235_200 + hour * 3600);
        let person = PersonId::from_bytes([1; 16]);
        let failed = |tries| FailedSignIns {
            person,
            tries,
            since: at(0),
            last_at: at(5),
            last_from: "192.0.2.7".into(),
        };
        for lang in [Lang::Zh, Lang::En] {
            for tries in [1, 3] {
                let told = Ui::of(lang).failed_sign_ins(&failed(tries));
                for part in [&*tries.to_string(), "08:00", "13:00", "192.0.2.7"] {
                    assert!(told.contains(part), "{told}: {part}");
                }
            }
        }
    }
}
