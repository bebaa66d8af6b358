//! Alliances, tenants, their projects, and members.

use domain::{
    AllianceId, ContractId, Member, MemberId, Project, ProjectId, Role, Tenant, TenantDomain, TenantId,
    tenant::Alliance,
};

use crate::{
    StoreError, Tx,
    sql::{Row, params, statements},
};

macro_rules! tenant_columns {
    () => {
        "id, slug, name_zh, name_en, domain, alliance, uid_index, created_at"
    };
}
macro_rules! project_columns {
    () => {
        "id, tenant, slug, name, contract, created_at"
    };
}
macro_rules! member_columns {
    () => {
        "id, tenant, login, name, role, is_enabled, created_at"
    };
}

statements! { "tenants";
    INSERT_TENANT = concat!("INSERT INTO tenants (", tenant_columns!(), ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
    GET_TENANT = concat!("SELECT ", tenant_columns!(), " FROM tenants WHERE id = ?1");
    FIND_TENANT = concat!("SELECT ", tenant_columns!(), " FROM tenants WHERE slug = ?1");
    LIST_TENANTS = concat!("SELECT ", tenant_columns!(), " FROM tenants ORDER BY slug");
    NEXT_UID_INDEX = "SELECT COALESCE(MAX(uid_index), 0) + 1 FROM tenants";
    INSERT_ALLIANCE = "INSERT INTO alliances (id, slug, name_zh, name_en, lending_limit) VALUES (?1, ?2, ?3, ?4, ?5)";
    LIST_ALLIANCES = "SELECT id, slug, name_zh, name_en, lending_limit FROM alliances ORDER BY slug";
    SET_ALLIANCE_LENDING = "UPDATE alliances SET lending_limit = ?2 WHERE id = ?1";
    INSERT_PROJECT = concat!("INSERT INTO projects (", project_columns!(), ") VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
    GET_PROJECT = concat!("SELECT ", project_columns!(), " FROM projects WHERE id = ?1");
    FIND_PROJECT = concat!("SELECT ", project_columns!(), " FROM projects WHERE tenant = ?1 AND slug = ?2");
    LIST_PROJECTS = concat!("SELECT ", project_columns!(), " FROM projects ORDER BY tenant, slug");
    LIST_PROJECTS_OF = concat!("SELECT ", project_columns!(), " FROM projects WHERE tenant = ?1 ORDER BY slug");
    SET_PROJECT_CONTRACT = "UPDATE projects SET contract = ?2 WHERE id = ?1";
    INSERT_MEMBER = concat!(
        "INSERT INTO members (", member_columns!(), ", password_hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
    );
    GET_MEMBER = concat!("SELECT ", member_columns!(), " FROM members WHERE id = ?1");
    FIND_LOGIN = concat!("SELECT ", member_columns!(), ", password_hash FROM members WHERE login = ?1");
    LIST_MEMBERS = concat!("SELECT ", member_columns!(), " FROM members ORDER BY login");
    LIST_MEMBERS_OF = concat!("SELECT ", member_columns!(), " FROM members WHERE tenant = ?1 ORDER BY login");
    SET_PASSWORD = "UPDATE members SET password_hash = ?2 WHERE id = ?1";
    SET_MEMBER_ENABLED = "UPDATE members SET is_enabled = ?2 WHERE id = ?1";
}

pub fn insert_alliance(tx: &Tx, alliance: &Alliance) -> Result<(), StoreError> {
    let row =
        params![&alliance.id, &alliance.slug, &alliance.name_zh, &alliance.name_en, alliance.lending_limit];
    tx.execute(INSERT_ALLIANCE, row).map(|_| ())
}

/// All, by short name.
pub fn list_alliances(tx: &Tx) -> Result<Vec<Alliance>, StoreError> {
    tx.all(LIST_ALLIANCES, params![], |row| {
        Ok(Alliance {
            id: row.get::<AllianceId>(0)?,
            slug: row.get(1)?,
            name_zh: row.get(2)?,
            name_en: row.get(3)?,
            lending_limit: row.get(4)?,
        })
    })
}

/// What an alliance lends to those outside of it.
pub fn set_alliance_lending(tx: &Tx, id: AllianceId, limit: Option<u32>) -> Result<(), StoreError> {
    match tx.execute(SET_ALLIANCE_LENDING, params![&id, limit])? {
        0 => Err(StoreError::not_found("alliance", &id)),
        _ => Ok(()),
    }
}

pub fn insert_tenant(tx: &Tx, tenant: &Tenant) -> Result<(), StoreError> {
    let row = params![
        &tenant.id,
        &tenant.slug,
        &tenant.name_zh,
        &tenant.name_en,
        tenant.domain.code(),
        tenant.alliance.as_ref(),
        tenant.uid_index,
        tenant.created_at,
    ];
    tx.execute(INSERT_TENANT, row).map(|_| ())
}

pub fn get_tenant(tx: &Tx, id: TenantId) -> Result<Tenant, StoreError> {
    tx.find(GET_TENANT, params![&id], tenant)?.ok_or_else(|| StoreError::not_found("tenant", &id))
}

/// By short name.
pub fn find_tenant(tx: &Tx, slug: &str) -> Result<Option<Tenant>, StoreError> {
    tx.find(FIND_TENANT, params![slug], tenant)
}

/// All, by short name.
pub fn list_tenants(tx: &Tx) -> Result<Vec<Tenant>, StoreError> {
    tx.all(LIST_TENANTS, params![], tenant)
}

/// The number for the next tenant: one above the highest ever given, from 1.
pub fn next_uid_index(tx: &Tx) -> Result<u32, StoreError> {
    tx.one(NEXT_UID_INDEX, params![], |row| row.get(0))
}

pub fn insert_project(tx: &Tx, project: &Project) -> Result<(), StoreError> {
    let row = params![
        &project.id,
        &project.tenant,
        &project.slug,
        &project.name,
        project.contract.as_ref(),
        project.created_at,
    ];
    tx.execute(INSERT_PROJECT, row).map(|_| ())
}

pub fn get_project(tx: &Tx, id: ProjectId) -> Result<Project, StoreError> {
    tx.find(GET_PROJECT, params![&id], project)?.ok_or_else(|| StoreError::not_found("project", &id))
}

/// By the tenant and the short name in it.
pub fn find_project(tx: &Tx, tenant: TenantId, slug: &str) -> Result<Option<Project>, StoreError> {
    tx.find(FIND_PROJECT, params![&tenant, slug], project)
}

/// A tenant's, or all; by tenant and short name.
pub fn list_projects(tx: &Tx, tenant: Option<TenantId>) -> Result<Vec<Project>, StoreError> {
    match &tenant {
        Some(tenant) => tx.all(LIST_PROJECTS_OF, params![tenant], project),
        None => tx.all(LIST_PROJECTS, params![], project),
    }
}

/// Sets the contract that the project's jobs are charged to from now on.
pub fn set_project_contract(tx: &Tx, id: ProjectId, contract: Option<ContractId>) -> Result<(), StoreError> {
    match tx.execute(SET_PROJECT_CONTRACT, params![&id, contract.as_ref()])? {
        0 => Err(StoreError::not_found("project", &id)),
        _ => Ok(()),
    }
}

pub fn insert_member(tx: &Tx, member: &Member, password_hash: Option<&str>) -> Result<(), StoreError> {
    let row = params![
        &member.id,
        member.tenant.as_ref(),
        &member.login,
        &member.name,
        member.role.code(),
        member.is_enabled,
        member.created_at,
        password_hash,
    ];
    tx.execute(INSERT_MEMBER, row).map(|_| ())
}

pub fn get_member(tx: &Tx, id: MemberId) -> Result<Member, StoreError> {
    tx.find(GET_MEMBER, params![&id], |row| member(row, 0))?
        .ok_or_else(|| StoreError::not_found("member", &id))
}

/// By login, with the hash of the password where there is one.
pub fn find_login(tx: &Tx, login: &str) -> Result<Option<(Member, Option<String>)>, StoreError> {
    tx.find(FIND_LOGIN, params![login], |row| Ok((member(row, 0)?, row.get(7)?)))
}

/// A tenant's, or all; by login.
pub fn list_members(tx: &Tx, tenant: Option<TenantId>) -> Result<Vec<Member>, StoreError> {
    match &tenant {
        Some(tenant) => tx.all(LIST_MEMBERS_OF, params![tenant], |row| member(row, 0)),
        None => tx.all(LIST_MEMBERS, params![], |row| member(row, 0)),
    }
}

pub fn set_password(tx: &Tx, id: MemberId, password_hash: Option<&str>) -> Result<(), StoreError> {
    match tx.execute(SET_PASSWORD, params![&id, password_hash])? {
        0 => Err(StoreError::not_found("member", &id)),
        _ => Ok(()),
    }
}

pub fn set_member_enabled(tx: &Tx, id: MemberId, is_enabled: bool) -> Result<(), StoreError> {
    match tx.execute(SET_MEMBER_ENABLED, params![&id, is_enabled])? {
        0 => Err(StoreError::not_found("member", &id)),
        _ => Ok(()),
    }
}

fn tenant(row: Row<'_>) -> Result<Tenant, StoreError> {
    Ok(Tenant {
        id: row.get(0)?,
        slug: row.get(1)?,
        name_zh: row.get(2)?,
        name_en: row.get(3)?,
        domain: row.code(4, TenantDomain::from_code)?,
        alliance: row.get(5)?,
        uid_index: row.get(6)?,
        created_at: row.get(7)?,
    })
}

fn project(row: Row<'_>) -> Result<Project, StoreError> {
    Ok(Project {
        id: row.get(0)?,
        tenant: row.get(1)?,
        slug: row.get(2)?,
        name: row.get(3)?,
        contract: row.get(4)?,
        created_at: row.get(5)?,
    })
}

/// A member whose columns begin at `from`.
pub(crate) fn member(row: Row<'_>, from: usize) -> Result<Member, StoreError> {
    Ok(Member {
        id: row.get(from)?,
        tenant: row.get(from + 1)?,
        login: row.get(from + 2)?,
        name: row.get(from + 3)?,
        role: row.code(from + 4, Role::from_code)?,
        is_enabled: row.get(from + 5)?,
        created_at: row.get(from + 6)?,
    })
}
