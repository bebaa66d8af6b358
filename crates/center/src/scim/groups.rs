//! What a directory does with groups: who is in them, and which places that gives.

use std::collections::BTreeSet;

use base::moment::new_id;
use domain::Rfc3339;
use serde_json::{Map, Value, json};

use super::{
    people::Directory,
    rows,
    rule::{self, ScimGroup, ScimGroupId, ScimUserId},
    wire::{Fault, GROUP},
};

impl Directory<'_> {
    pub fn group(&self, id: &str) -> Result<ScimGroup, Fault> {
        let found = match id.parse::<ScimGroupId>() {
            Ok(id) => rows::find_group(self.tx, self.tenant(), id)?,
            Err(_) => None,
        };
        found.ok_or_else(|| Fault::not_found("group", id))
    }

    /// A group as what can be changed of it.
    pub fn joined_group(&self, group: &ScimGroup) -> Result<Map<String, Value>, Fault> {
        let members = rows::members_of(self.tx, group.id)?
            .into_iter()
            .map(|user| json!({ "value": user.id, "$ref": format!("{}/Users/{}", self.base, user.id) }));
        let mut all = Map::new();
        all.insert("displayName".into(), json!(group.display_name));
        all.insert("members".into(), members.collect());
        if let Some(id) = &group.external_id {
            all.insert("externalId".into(), json!(id));
        }
        Ok(all)
    }

    /// A group as SCIM sends it.
    pub fn shown_group(&self, group: &ScimGroup) -> Result<Value, Fault> {
        let mut all = self.joined_group(group)?;
        all.insert("schemas".into(), json!([GROUP]));
        all.insert("id".into(), json!(group.id));
        all.insert(
            "meta".into(),
            json!({ "resourceType": "Group", "created": Rfc3339(group.created_at), "lastModified": Rfc3339(group.changed_at),
                "location": format!("{}/Groups/{}", self.base, group.id) }),
        );
        Ok(Value::Object(all))
    }

    pub fn make_group(&mut self, all: &Map<String, Value>) -> Result<ScimGroup, Fault> {
        let (count, _) = rows::list_groups(self.tx, self.tenant(), None, (0, 0))?;
        if usize::try_from(count).unwrap_or(usize::MAX) >= rule::MOST_GROUPS {
            return Err(Fault::value(format!("a directory keeps {} groups at most", rule::MOST_GROUPS)));
        }
        let (display_name, external_id) = names(all)?;
        let group = ScimGroup {
            id: new_id!(ScimGroupId),
            tenant: self.tenant(),
            display_name,
            external_id,
            created_at: self.now,
            changed_at: self.now,
        };
        rows::insert_group(self.tx, &group)?;
        self.set_members(&group, all)?;
        Ok(group)
    }

    pub fn change_group(&mut self, group: &ScimGroup, all: &Map<String, Value>) -> Result<ScimGroup, Fault> {
        let (display_name, external_id) = names(all)?;
        let is_renamed = display_name != group.display_name;
        let changed = ScimGroup { display_name, external_id, changed_at: self.now, ..group.clone() };
        rows::set_group(self.tx, &changed)?;
        let stay = self.set_members(&changed, all)?;
        if is_renamed {
            // Another name may give other roles to those who were in it and stay.
            for id in stay {
                self.bring_about_of(id)?;
            }
        }
        Ok(changed)
    }

    pub fn remove_group(&mut self, group: &ScimGroup) -> Result<(), Fault> {
        let were = rows::members_of(self.tx, group.id)?;
        rows::delete_group(self.tx, group.id)?;
        were.iter().try_for_each(|user| self.bring_about(user, false))
    }

    /// Puts those into a group who are to be in it, and gives and takes what that means. Gives those who were in it before,
    /// and still are.
    fn set_members(&mut self, group: &ScimGroup, all: &Map<String, Value>) -> Result<Vec<ScimUserId>, Fault> {
        let wanted = all.get("members").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut ids = BTreeSet::new();
        for one in wanted {
            let id = one.get("value").and_then(Value::as_str).unwrap_or_default();
            let user =
                self.user(id).map_err(|_| Fault::value(format!("there is no user {id:?} for the group")))?;
            ids.insert(user.id);
        }
        let were: BTreeSet<ScimUserId> =
            rows::members_of(self.tx, group.id)?.into_iter().map(|user| user.id).collect();
        rows::set_members(self.tx, group.id, &ids.iter().copied().collect::<Vec<_>>())?;
        for id in were.symmetric_difference(&ids) {
            self.bring_about_of(*id)?;
        }
        Ok(were.intersection(&ids).copied().collect())
    }

    fn bring_about_of(&mut self, id: ScimUserId) -> Result<(), Fault> {
        match rows::find_user(self.tx, self.tenant(), id)? {
            Some(user) => self.bring_about(&user, false),
            None => Ok(()),
        }
    }
}

fn names(all: &Map<String, Value>) -> Result<(String, Option<String>), Fault> {
    let text = |name: &str| all.get(name).and_then(Value::as_str).map(str::to_owned);
    let display = text("displayName").map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    Ok((display.ok_or_else(|| Fault::value("`displayName` is missing"))?, text("externalId")))
}
