//! Alliances that lend quota.

use serde_json::{Value, json};
use testkit::{Site, grant};

use crate::{
    QIANTANG,
    jobs::{cancel, until_told, waits_for},
};

#[test]
fn alliances_lend_as_they_wish_and_get_back_what_is_theirs() {
    let site = Site::new(QIANTANG, 2, "engine.kill_grace_ms = 300\n");
    let found = json!({ "slug": "voice", "name": { "zh": "语音联盟", "en": "Voice" }, "lending_limit": 0 });
    site.post("/api/v1/alliances", &site.operator, &found);
    let queue = |guaranteed: u32| {
        json!({ "guaranteed_cards": guaranteed, "borrowing_limit": null, "lending_limit": null, "weight": 1,
            "max_running_cards": 16 })
    };
    let owner = site.tenant_in("owner", "research", &grant(), &queue(16), Some("voice"));
    let friend = site.tenant_in("friend", "enterprise", &grant(), &queue(0), Some("voice"));
    let stranger = site.tenant_in("stranger", "government", &grant(), &queue(0), None);

    // All cards are guaranteed to a member of the alliance, which lends only inside of it.
    let of_stranger = site.submit(&stranger, &until_told("of-stranger", 8));
    waits_for(&site, &stranger, &of_stranger, "kept_for_others");
    let of_friend = site.submit(&friend, &until_told("of-friend", 8));
    site.wait_for_state(&friend.developer, &of_friend, "running");

    // It lends outside as well.
    let without_limit = json!({ "lending_limit": null });
    let (status, answer) =
        site.ask("PUT", "/api/v1/alliances/voice/lending", &site.operator, Some(&without_limit));
    assert_eq!((status, &answer["lending_limit"]), (200, &Value::Null), "{answer}");
    site.wait_for_state(&stranger.developer, &of_stranger, "running");

    // The owner wants one node back. It has it after the grace, and one borrower waits again.
    let of_owner = site.submit(&owner, &until_told("of-owner", 8));
    site.wait_for_state(&owner.developer, &of_owner, "running");
    let state = |token: &str, id: &str| site.get(&format!("/api/v1/jobs/{id}"), token)["state"].clone();
    let borrowers = [(&friend, &of_friend), (&stranger, &of_stranger)];
    let after = borrowers.map(|(tenant, id)| state(&tenant.developer, id));
    assert_eq!(after.iter().filter(|state| **state == "queued").count(), 1, "{after:?}");

    cancel(&site, &owner, &of_owner);
    for (tenant, id) in borrowers {
        site.wait_for_state(&tenant.developer, id, "running");
    }
}
