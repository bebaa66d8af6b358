//! The settings by which the center counts, with their history.

use store::settings;
use testkit::rows::{at, open};

#[test]
fn settings_in_force_are_kept_with_their_instants() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("center.db"));
    let keep = |second: i64, values: [(&'static str, &str); 2]| {
        let values = values.map(|(key, value)| (key, value.to_owned()));
        store.write(move |tx| settings::keep(tx, at(second), &values)).unwrap();
    };
    keep(1, [("billing.grace_ms", "60000"), ("time_zone", "UTC")]);
    // What stays as it was is in force since it was first.
    keep(2, [("billing.grace_ms", "0"), ("time_zone", "UTC")]);
    keep(3, [("billing.grace_ms", "60000"), ("time_zone", "UTC")]);
    let history = store.read(settings::history).unwrap();
    let told: Vec<_> = history.iter().map(|row| (row.at, row.key.as_str(), row.value.as_str())).collect();
    let want = [
        (at(1), "billing.grace_ms", "60000"),
        (at(1), "time_zone", "UTC"),
        (at(2), "billing.grace_ms", "0"),
        (at(3), "billing.grace_ms", "60000"),
    ];
    assert_eq!(told, want);
    let in_force = store.read(settings::in_force).unwrap();
    assert_eq!(in_force["billing.grace_ms"], "60000");
}
