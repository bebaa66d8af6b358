//! Alliances, tenants, their projects, and members with their persons.

use domain::{
    AllianceId, ContractId, Member, MemberId, PersonId, Project, ProjectId, Role, Tenant, TenantId,
    Timestamp,
    tenant::{Alliance, Person},
};

use crate::db::{Record, StoreError, Tx, params, rows, statements};

rows! { alliance: Alliance = id, slug, name_zh, name_en, lending_limit }
rows! { tenant: Tenant = id, slug, name_zh, name_en, domain as code, alliance, uid_index, created_at, legal_name, tax_number, other_tax_number }
rows! { project: Project = id, tenant, slug, name, contract, created_at }
rows! { member: Member = id, person, tenant, login, name, role as code, is_enabled, created_at }
rows! { person: Person = id, login, name, email, is_enabled, created_at, kept_by }
pub(crate) use member;

statements! { "tenants", unique: {
        "alliances.slug": "an alliance with this short name",
        "tenants.slug": "a tenant with this short name",
        "tenants.uid_index": "a tenant with this uid index",
        "projects.tenant, projects.slug": "a project of the tenant with this short name",
        "persons.login": "a member with this login",
        "members.person, members.tenant": "a member of the tenant who is this person",
        "members.person": "a member of the center who is this person",
    };
    INSERT_ALLIANCE = alliance!(insert into "alliances");
    LIST_ALLIANCES = concat!("SELECT ", alliance!(columns), " FROM alliances ORDER BY slug");
    SET_ALLIANCE_LENDING = "UPDATE alliances SET lending_limit = ?2 WHERE id = ?1";
    SET_ALLIANCE_NAMES = "UPDATE alliances SET name_zh = ?2, name_en = ?3 WHERE id = ?1";
    INSERT_TENANT = tenant!(insert into "tenants");
    GET_TENANT = concat!("SELECT ", tenant!(columns), " FROM tenants WHERE id = ?1");
    FIND_TENANT = concat!("SELECT ", tenant!(columns), " FROM tenants WHERE slug = ?1");
    LIST_BY_TAX_NUMBER = concat!("SELECT ", tenant!(columns), " FROM tenants WHERE tax_number = ?1 ORDER BY slug LIMIT 5");
    LIST_TENANTS = concat!("SELECT ", tenant!(columns), " FROM tenants ORDER BY slug");
    SET_NAMES = "UPDATE tenants SET name_zh = ?2, name_en = ?3, alliance = ?4 WHERE id = ?1";
    SET_PAYER = "UPDATE tenants SET legal_name = ?2, tax_number = ?3, other_tax_number = ?4 WHERE id = ?1";
    NEXT_UID_INDEX = "SELECT COALESCE(MAX(uid_index), 0) + 1 FROM tenants";
    INSERT_PROJECT = project!(insert into "projects");
    GET_PROJECT = concat!("SELECT ", project!(columns), " FROM projects WHERE id = ?1");
    FIND_PROJECT = concat!("SELECT ", project!(columns), " FROM projects WHERE tenant = ?1 AND slug = ?2");
    LIST_PROJECTS = concat!("SELECT ", project!(columns), " FROM projects ORDER BY tenant, slug");
    LIST_PROJECTS_OF = concat!("SELECT ", project!(columns), " FROM projects WHERE tenant = ?1 ORDER BY slug");
    SET_PROJECT_CONTRACT = "UPDATE projects SET contract = ?2 WHERE id = ?1";
    INSERT_PERSON = person!(insert into "persons");
    GET_PERSON = concat!("SELECT ", person!(columns), " FROM persons WHERE id = ?1");
    FIND_LOGIN = concat!("SELECT ", person!(columns), ", password_hash FROM persons WHERE login = ?1");
    LIST_PERSONS = concat!("SELECT ", person!(columns), " FROM persons ORDER BY login");
    SET_PASSWORD = "UPDATE persons SET password_hash = ?2 WHERE id = ?1";
    SET_PERSON_NAME = "UPDATE persons SET name = ?2 WHERE id = ?1";
    SET_PERSON_EMAIL = "UPDATE persons SET email = ?2 WHERE id = ?1";
    SET_PERSON_ENABLED = "UPDATE persons SET is_enabled = ?2 WHERE id = ?1";
    SET_KEPT_BY = "UPDATE persons SET kept_by = ?2 WHERE id = ?1";
    INSERT_MEMBER = "INSERT INTO members (id, person, tenant, role, is_enabled, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    GET_MEMBER = concat!("SELECT ", member!(columns), " FROM memberships WHERE id = ?1");
    LIST_MEMBERS = concat!("SELECT ", member!(columns), " FROM memberships ORDER BY login, id");
    LIST_MEMBERS_OF = concat!("SELECT ", member!(columns), " FROM memberships WHERE tenant = ?1 ORDER BY login");
    LIST_MEMBERS_WHO_ARE = concat!(
        "SELECT ", member!(columns), " FROM memberships WHERE person = ?1 ORDER BY chosen_at DESC NULLS LAST, id"
    );
    COUNT_ENABLED = "SELECT COUNT(*) FROM memberships WHERE tenant IS NULL AND role = ?1 AND is_enabled = 1";
    CHOOSE_MEMBER = "UPDATE members SET chosen_at = ?2 WHERE id = ?1";
    SET_MEMBER_ROLE = "UPDATE members SET role = ?2 WHERE id = ?1";
    GIVEN_BY = "SELECT given_by FROM members WHERE id = ?1";
    SET_GIVEN_BY = "UPDATE members SET given_by = ?2 WHERE id = ?1";
    HAS_PASSWORD = "SELECT password_hash IS NOT NULL FROM persons WHERE id = ?1";
    SET_MEMBER_ENABLED = "UPDATE members SET is_enabled = ?2 WHERE id = ?1";
}

pub fn insert_alliance(tx: &Tx, alliance: &Alliance) -> Result<(), StoreError> {
    alliance.insert(tx, INSERT_ALLIANCE)
}

/// All alliances, by short name.
pub fn list_alliances(tx: &Tx) -> Result<Vec<Alliance>, StoreError> {
    tx.all(LIST_ALLIANCES, params![], Alliance::read)
}

/// Sets how many cards an alliance lends to those outside of it.
pub fn set_alliance_lending(tx: &Tx, id: AllianceId, limit: Option<u32>) -> Result<(), StoreError> {
    tx.update(SET_ALLIANCE_LENDING, &id, params![&id, limit])
}

pub fn set_alliance_names(tx: &Tx, alliance: &Alliance) -> Result<(), StoreError> {
    let Alliance { id, name_zh, name_en, .. } = alliance;
    tx.update(SET_ALLIANCE_NAMES, id, params![id, name_zh, name_en])
}

pub fn insert_tenant(tx: &Tx, tenant: &Tenant) -> Result<(), StoreError> {
    tenant.insert(tx, INSERT_TENANT)
}

pub fn get_tenant(tx: &Tx, id: TenantId) -> Result<Tenant, StoreError> {
    tx.get(GET_TENANT, &id, Tenant::read)
}

/// The tenant of that short name.
pub fn find_tenant(tx: &Tx, slug: &str) -> Result<Option<Tenant>, StoreError> {
    tx.find(FIND_TENANT, params![slug], Tenant::read)
}

/// The first tenants with that unified social credit code.
pub fn list_by_tax_number(tx: &Tx, number: &str) -> Result<Vec<Tenant>, StoreError> {
    tx.all(LIST_BY_TAX_NUMBER, params![number], Tenant::read)
}

/// Sets whom a tenant's statements are made out to.
pub fn set_payer(tx: &Tx, tenant: &Tenant) -> Result<(), StoreError> {
    let Tenant { id, legal_name, tax_number, other_tax_number, .. } = tenant;
    tx.update(SET_PAYER, id, params![id, legal_name, tax_number, other_tax_number])
}

/// Sets a tenant's names and its alliance.
pub fn set_names(tx: &Tx, tenant: &Tenant) -> Result<(), StoreError> {
    let Tenant { id, name_zh, name_en, alliance, .. } = tenant;
    tx.update(SET_NAMES, id, params![id, name_zh, name_en, alliance])
}

/// All tenants, by short name.
pub fn list_tenants(tx: &Tx) -> Result<Vec<Tenant>, StoreError> {
    tx.all(LIST_TENANTS, params![], Tenant::read)
}

/// The number for the next tenant: one above the highest that was ever given, from 1 on.
pub fn next_uid_index(tx: &Tx) -> Result<u32, StoreError> {
    tx.one(NEXT_UID_INDEX, params![], |row| row.get(0))
}

pub fn insert_project(tx: &Tx, project: &Project) -> Result<(), StoreError> {
    project.insert(tx, INSERT_PROJECT)
}

pub fn get_project(tx: &Tx, id: ProjectId) -> Result<Project, StoreError> {
    tx.find(GET_PROJECT, params![&id], Project::read)?.ok_or_else(|| StoreError::not_found(&id))
}

/// A tenant's project of that short name.
pub fn find_project(tx: &Tx, tenant: TenantId, slug: &str) -> Result<Option<Project>, StoreError> {
    tx.find(FIND_PROJECT, params![&tenant, slug], Project::read)
}

/// A tenant's projects, or all; by tenant and short name.
pub fn list_projects(tx: &Tx, tenant: Option<TenantId>) -> Result<Vec<Project>, StoreError> {
    match &tenant {
        Some(tenant) => tx.all(LIST_PROJECTS_OF, params![tenant], Project::read),
        None => tx.all(LIST_PROJECTS, params![], Project::read),
    }
}

/// Sets the contract that the project's jobs are charged to from now on.
pub fn set_project_contract(tx: &Tx, id: ProjectId, contract: Option<ContractId>) -> Result<(), StoreError> {
    tx.update(SET_PROJECT_CONTRACT, &id, params![&id, &contract])
}

/// Keeps a new person. Nobody signs in as one who has neither a password nor a membership.
pub fn insert_person(tx: &Tx, person: &Person, password_hash: Option<&str>) -> Result<(), StoreError> {
    person.insert(tx, INSERT_PERSON)?;
    match password_hash {
        Some(_) => set_password(tx, person.id, password_hash),
        None => Ok(()),
    }
}

pub fn get_person(tx: &Tx, id: PersonId) -> Result<Person, StoreError> {
    tx.get(GET_PERSON, &id, Person::read)
}

/// The person with this login, with the hash of the password where there is one.
pub fn find_login(tx: &Tx, login: &str) -> Result<Option<(Person, Option<String>)>, StoreError> {
    tx.find(FIND_LOGIN, params![login], |row| Ok((Person::read(row)?, row.get(7)?)))
}

/// All persons, by login.
pub fn list_persons(tx: &Tx) -> Result<Vec<Person>, StoreError> {
    tx.all(LIST_PERSONS, params![], Person::read)
}

pub fn set_password(tx: &Tx, id: PersonId, password_hash: Option<&str>) -> Result<(), StoreError> {
    tx.update(SET_PASSWORD, &id, params![&id, password_hash])
}

pub fn set_person_name(tx: &Tx, id: PersonId, name: &str) -> Result<(), StoreError> {
    tx.update(SET_PERSON_NAME, &id, params![&id, name])
}

pub fn set_person_email(tx: &Tx, id: PersonId, email: &str) -> Result<(), StoreError> {
    tx.update(SET_PERSON_EMAIL, &id, params![&id, email])
}

/// Lets a person sign in, or keeps them out wherever they are a member.
pub fn set_person_enabled(tx: &Tx, id: PersonId, is_enabled: bool) -> Result<(), StoreError> {
    tx.update(SET_PERSON_ENABLED, &id, params![&id, is_enabled])
}

/// Sets whose administrators may name the person and set their password.
pub fn set_kept_by(tx: &Tx, id: PersonId, tenant: Option<TenantId>) -> Result<(), StoreError> {
    tx.update(SET_KEPT_BY, &id, params![&id, &tenant])
}

/// Keeps a new person and their first membership. The member's tenant keeps the person's account.
pub fn insert_member(tx: &Tx, member: &Member, password_hash: Option<&str>) -> Result<(), StoreError> {
    let person = Person {
        id: member.person,
        login: member.login.clone(),
        name: member.name.clone(),
        email: String::new(),
        is_enabled: true,
        created_at: member.created_at,
        kept_by: member.tenant,
    };
    insert_person(tx, &person, password_hash)?;
    insert_membership(tx, member)
}

/// Keeps a membership of a person who is there already.
pub fn insert_membership(tx: &Tx, member: &Member) -> Result<(), StoreError> {
    let Member { id, person, tenant, role, is_enabled, created_at, .. } = member;
    tx.execute(INSERT_MEMBER, params![id, person, tenant, role.code(), *is_enabled, *created_at])
}

pub fn get_member(tx: &Tx, id: MemberId) -> Result<Member, StoreError> {
    tx.get(GET_MEMBER, &id, Member::read)
}

/// A tenant's members, or all; by login.
pub fn list_members(tx: &Tx, tenant: Option<TenantId>) -> Result<Vec<Member>, StoreError> {
    match &tenant {
        Some(tenant) => tx.all(LIST_MEMBERS_OF, params![tenant], Member::read),
        None => tx.all(LIST_MEMBERS, params![], Member::read),
    }
}

/// The memberships of a person, the one chosen last first; those never chosen are behind, oldest first.
pub fn memberships_of(tx: &Tx, person: PersonId) -> Result<Vec<Member>, StoreError> {
    tx.all(LIST_MEMBERS_WHO_ARE, params![&person], Member::read)
}

/// How many operators of the center can sign in.
pub fn count_operators(tx: &Tx) -> Result<u64, StoreError> {
    count_of_center(tx, Role::Operator)
}

/// How many of the center's own people with this role can sign in.
pub fn count_of_center(tx: &Tx, role: Role) -> Result<u64, StoreError> {
    tx.one(COUNT_ENABLED, params![role.code()], |row| row.get(0))
}

/// Notes that a person signed in as this member, or changed over to it.
pub fn choose_member(tx: &Tx, id: MemberId, at: Timestamp) -> Result<(), StoreError> {
    tx.update(CHOOSE_MEMBER, &id, params![&id, at])
}

pub fn set_member_role(tx: &Tx, id: MemberId, role: Role) -> Result<(), StoreError> {
    tx.update(SET_MEMBER_ROLE, &id, params![&id, role.code()])
}

/// Lets a member in or out, as far as this membership goes.
pub fn set_member_enabled(tx: &Tx, id: MemberId, is_enabled: bool) -> Result<(), StoreError> {
    tx.update(SET_MEMBER_ENABLED, &id, params![&id, is_enabled])
}

/// By whom a membership is given: `oidc:` or `scim:` with what it is called; nothing for a person's hand.
pub fn given_by(tx: &Tx, id: MemberId) -> Result<Option<String>, StoreError> {
    tx.get(GIVEN_BY, &id, |row| row.get(0))
}

/// Sets by whom a membership is given.
pub fn set_given_by(tx: &Tx, id: MemberId, giver: Option<&str>) -> Result<(), StoreError> {
    tx.update(SET_GIVEN_BY, &id, params![&id, giver])
}

/// Whether a person can sign in by a password.
pub fn has_password(tx: &Tx, id: PersonId) -> Result<bool, StoreError> {
    tx.get(HAS_PASSWORD, &id, |row| row.get(0))
}
