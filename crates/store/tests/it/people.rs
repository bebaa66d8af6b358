//! Persons, their memberships and credentials; and the members of before, who became persons.

use std::path::Path;

use domain::{Member, MemberId, PersonId, Role, SessionId, TenantId, TokenId};
use rusqlite::Connection;
use store::{
    Store, StoreError, chain,
    credentials::{self, SessionRow, TokenRow},
    tenants,
};
use testkit::rows::{at, unique};

use crate::rows::{conflict, within};

fn operator() -> Member {
    Member {
        id: MemberId::new(at(0), unique()),
        person: PersonId::new(at(0), unique()),
        tenant: None,
        login: "ops".into(),
        name: "值班".into(),
        role: Role::Operator,
        is_enabled: true,
        created_at: at(0),
    }
}

#[test]
fn members_and_their_credentials() {
    within(|tx, center| {
        let member = operator();
        tenants::insert_member(tx, &member, None)?;
        assert_eq!(tenants::get_member(tx, member.id)?, member);
        let (person, hash) = tenants::find_login(tx, "ops")?.unwrap();
        assert_eq!((person.id, person.kept_by, hash), (member.person, None, None));
        assert_eq!(tenants::get_person(tx, person.id)?, person);
        assert_eq!(tenants::find_login(tx, "nobody")?, None);
        let twin = Member {
            id: MemberId::new(at(1), unique()),
            person: PersonId::new(at(1), unique()),
            ..member.clone()
        };
        assert_eq!(conflict(tenants::insert_member(tx, &twin, None)), "a member with this login");
        tenants::set_password(tx, member.person, Some("hash"))?;
        assert_eq!(tenants::find_login(tx, "ops")?.unwrap().1.as_deref(), Some("hash"));
        tenants::set_member_enabled(tx, member.id, false)?;
        assert!(!tenants::get_member(tx, member.id)?.is_enabled);
        assert_eq!(tenants::count_operators(tx)?, 0);
        tenants::set_member_enabled(tx, member.id, true)?;
        assert_eq!(tenants::count_operators(tx)?, 1);
        assert!(tenants::set_password(tx, twin.person, None).is_err());
        assert!(tenants::set_member_enabled(tx, twin.id, true).is_err());
        assert_eq!(tenants::list_members(tx, None)?.len(), 3);
        assert_eq!(tenants::list_members(tx, Some(center.parties[0].tenant))?.len(), 1);

        let mut token = TokenRow {
            id: TokenId::new(at(0), unique()),
            member: member.id,
            name: "laptop".into(),
            hash: [3; 32],
            created_at: at(0),
            expires_at: at(100),
            last_used_at: None,
        };
        credentials::insert_token(tx, &token)?;
        assert_eq!(credentials::find_token(tx, &[3; 32])?, Some((token.clone(), member.clone())));
        assert_eq!(credentials::find_token(tx, &[4; 32])?, None);
        assert_eq!(credentials::list_tokens(tx, member.id)?, std::slice::from_ref(&token));
        credentials::note_token_use(tx, token.id, at(4))?;
        token.last_used_at = Some(at(4));
        assert_eq!(credentials::find_token(tx, &[3; 32])?, Some((token.clone(), member.clone())));
        credentials::revoke_token(tx, token.id, at(5))?;
        assert_eq!(credentials::find_token(tx, &[3; 32])?, None);
        assert_eq!(credentials::list_tokens(tx, member.id)?, []);
        assert!(credentials::revoke_token(tx, token.id, at(6)).is_err(), "it was revoked before");

        let session = |n: u8, expires_at| SessionRow {
            id: SessionId::new(at(0), unique()),
            member: member.id,
            hash: [n; 32],
            csrf: "csrf".into(),
            created_at: at(0),
            expires_at,
            from_address: "192.0.2.1".into(),
            program: "a browser".into(),
            way: credentials::Way::Password,
        };
        let (short, long, other) = (session(1, at(10)), session(2, at(20)), session(5, at(20)));
        for session in [&short, &long, &other] {
            credentials::insert_session(tx, session)?;
        }
        assert_eq!(credentials::find_session(tx, &[1; 32])?, Some((short, member.clone())));
        assert_eq!(credentials::delete_expired(tx, at(10))?, 1, "an expiry of now is past");
        assert_eq!(credentials::find_session(tx, &[1; 32])?, None);
        credentials::delete_session(tx, long.id)?;
        assert_eq!(credentials::find_session(tx, &[2; 32])?, None);
        credentials::end_all_of_member(tx, member.id, at(10))?;
        assert_eq!(credentials::find_session(tx, &[5; 32])?, None);
        Ok(())
    });
}

#[test]
fn a_person_in_two_places_is_one_login() {
    within(|tx, center| {
        let ops = operator();
        tenants::insert_member(tx, &ops, Some("hash"))?;
        let tenant = center.parties[0].tenant;
        let also = Member {
            id: MemberId::new(at(1), unique()),
            tenant: Some(tenant),
            role: Role::Developer,
            created_at: at(1),
            ..ops.clone()
        };
        tenants::insert_membership(tx, &also)?;
        let again = Member { id: MemberId::new(at(2), unique()), ..also.clone() };
        let said = conflict(tenants::insert_membership(tx, &again));
        assert_eq!(said, "a member of the tenant who is this person");
        let again = Member { tenant: None, ..again };
        let said = conflict(tenants::insert_membership(tx, &again));
        assert_eq!(said, "a member of the center who is this person");
        assert_eq!(tenants::list_members(tx, Some(tenant))?.last(), Some(&also));

        assert_eq!(tenants::memberships_of(tx, ops.person)?, [ops.clone(), also.clone()], "oldest first");
        tenants::choose_member(tx, also.id, at(5))?;
        assert_eq!(tenants::memberships_of(tx, ops.person)?, [also.clone(), ops.clone()], "the chosen one");

        // Both have a token and a session.
        let open = |member: &Member, n: u8| {
            let (id, expires_at) = (TokenId::new(at(0), unique()), at(100));
            let token = TokenRow {
                id,
                member: member.id,
                name: "laptop".into(),
                hash: [n; 32],
                created_at: at(0),
                expires_at,
                last_used_at: None,
            };
            credentials::insert_token(tx, &token)?;
            let session = SessionRow {
                id: SessionId::new(at(0), unique()),
                member: member.id,
                hash: [n; 32],
                csrf: "csrf".into(),
                created_at: at(0),
                expires_at,
                from_address: String::new(),
                program: String::new(),
                way: credentials::Way::PasswordAndCode,
            };
            credentials::insert_session(tx, &session)
        };
        let found = |n: u8| -> Result<_, StoreError> {
            Ok((
                credentials::find_token(tx, &[n; 32])?.is_some(),
                credentials::find_session(tx, &[n; 32])?.is_some(),
            ))
        };
        open(&ops, 1)?;
        open(&also, 2)?;
        let open_ones = |now| Ok::<_, StoreError>(credentials::sessions_of(tx, ops.person, at(now))?.len());
        assert_eq!((open_ones(6)?, open_ones(100)?), (2, 0), "of both members, until they expire");
        credentials::end_all_of_member(tx, also.id, at(6))?;
        assert_eq!((found(1)?, found(2)?), ((true, true), (false, false)), "the other goes on");
        open(&also, 3)?;
        tenants::set_person_enabled(tx, ops.person, false)?;
        credentials::end_all_of_person(tx, ops.person, at(7))?;
        assert_eq!((found(1)?, found(3)?), ((false, false), (false, false)));
        assert!(tenants::memberships_of(tx, ops.person)?.iter().all(|member| !member.is_enabled));
        Ok(())
    });
}

/// A database with the schema of before there were persons, and two members: one of the center and one of a tenant, who
/// is kept out; the first has a token.
fn of_before(path: &Path, more: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    // Those in folders came later.
    let files = entries.filter(|path| path.is_file());
    let read = |path: std::path::PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name[1..name.find("__").unwrap()].parse().unwrap(), std::fs::read_to_string(path).unwrap())
    };
    let mut all: Vec<(u32, String)> = files.map(read).collect();
    all.sort();
    let conn = Connection::open(path).unwrap();
    for (_, text) in all.iter().filter(|(version, _)| *version < 30) {
        conn.execute_batch(text).unwrap();
    }
    // As a program of then left it behind, with the versions that it knew.
    let dir = tempfile::tempdir().unwrap();
    let new = dir.path().join("center.db");
    drop(testkit::rows::open(&new));
    conn.execute_batch(&format!(
        "ATTACH '{}' AS new;
         CREATE TABLE refinery_schema_history AS SELECT * FROM new.refinery_schema_history WHERE version < 30;
         DETACH new;
         INSERT INTO tenants (id, slug, name_zh, name_en, domain, uid_index, created_at)
             VALUES (CAST(zeroblob(15) || x'07' AS BLOB), 'univ', '大学', 'Univ', 'research', 1, 5);
         INSERT INTO members (id, tenant, login, name, role, is_enabled, created_at, password_hash) VALUES
             (CAST(zeroblob(15) || x'01' AS BLOB), NULL, 'ops', '值班', 'operator', 1, 6, 'hash'),
             (CAST(zeroblob(15) || x'02' AS BLOB), CAST(zeroblob(15) || x'07' AS BLOB), 'gone', 'Gone', 'admin', 0, 7, NULL);
         INSERT INTO tokens (id, member, name, hash, created_at, expires_at)
             VALUES (zeroblob(16), CAST(zeroblob(15) || x'01' AS BLOB), 'laptop', zeroblob(32), 0, 9);
         DELETE FROM unsealed_changes;
         PRAGMA foreign_keys = off; {more}",
        new.display()
    ))
    .unwrap();
}

fn numbered(n: u8) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[15] = n;
    bytes
}

#[test]
fn members_of_before_are_persons_with_the_same_logins_passwords_and_credentials() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("center.db");
    of_before(&path, "");
    let store = Store::open(&path).unwrap();
    let tenant = TenantId::from_bytes(numbered(7));
    let ops = store
        .read(|tx| {
            let (person, hash) = tenants::find_login(tx, "ops")?.unwrap();
            assert_eq!(
                (person.name.as_str(), person.email.as_str(), hash.as_deref()),
                ("值班", "", Some("hash"))
            );
            assert!(person.is_enabled && person.kept_by.is_none());
            let (gone, hash) = tenants::find_login(tx, "gone")?.unwrap();
            assert_eq!(
                (gone.kept_by, hash),
                (Some(tenant), None),
                "its administrators set the password as before"
            );
            let [member] = &*tenants::memberships_of(tx, gone.id)? else { panic!("one membership") };
            assert!(gone.is_enabled && !member.is_enabled, "whoever was kept out stays out");
            let (_, member) = credentials::find_token(tx, &[0; 32])?.unwrap();
            assert_eq!(member.person, person.id);
            Ok::<_, StoreError>(member)
        })
        .unwrap();
    assert_eq!((ops.id, ops.role), (MemberId::from_bytes(numbered(1)), Role::Operator));
    assert_eq!((ops.login.as_str(), ops.tenant, ops.is_enabled), ("ops", None, true));
    // References are looked after again, and what was made anew is sealed with the next change.
    let stray = Member { person: PersonId::new(at(3), unique()), id: MemberId::new(at(3), unique()), ..ops };
    let refused = store.write(move |tx| tenants::insert_membership(tx, &stray));
    assert!(matches!(refused, Err(StoreError::BrokenReference { .. })), "{refused:?}");
    store.before_each_commit(|tx| chain::seal_changes(tx, at(9)));
    store.write(|_| Ok::<_, StoreError>(())).unwrap();
    drop(store);
    let tx = store::db::open_copy(&path).unwrap();
    let report = chain::verify(&tx, chain::Given::default()).unwrap();
    assert_eq!((report.rows.get("persons"), report.rows.get("members")), (Some(&2), Some(&2)));
    let of_people = |fault: &&chain::Fault| ["persons", "members"].contains(&fault.table.as_str());
    assert_eq!(report.faults.iter().find(of_people), None);
}

#[test]
fn a_database_with_a_reference_to_nothing_is_not_brought_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("center.db");
    of_before(&path, "UPDATE tokens SET member = zeroblob(16);");
    let refused = Store::open(&path).unwrap_err();
    assert!(refused.to_string().contains("a row of tokens refers to one of members"), "{refused}");
}
