//! The secrets that a job names: whether they are there, and their values for a run.

use base::error::AppError;
use domain::{
    Job, MemberId, ProjectId, SpecProblem, TenantId,
    problem::{JobFault, field},
};
use store::{StoreError, Tx, secrets};

use super::rule;
use crate::center::Center;

/// The first secret that is named and not there for such a job.
pub fn missing(
    tx: &Tx,
    names: &[String],
    (tenant, project, person): (TenantId, ProjectId, MemberId),
) -> Result<Option<SpecProblem>, StoreError> {
    let owners = rule::owners(tenant, project, person);
    for name in names {
        let mut is_there = false;
        for owner in &owners {
            is_there = is_there || secrets::find(tx, owner, name)?.is_some();
        }
        if !is_there {
            let fault = JobFault::NoSuchSecret { name: name.clone() };
            return Ok(Some(SpecProblem::new(field::SECRETS, fault)));
        }
    }
    Ok(None)
}

/// The variables that a run of the job gets. The reason is for whoever submitted it.
pub fn values(center: &Center, job: &Job) -> Result<Result<Vec<(String, String)>, String>, AppError> {
    let owners = rule::owners(job.tenant, job.project, job.submitted_by);
    let found = center.read_now(|tx| {
        let mut found = Vec::with_capacity(job.spec.secrets.len());
        for name in &job.spec.secrets {
            let mut of_name = owners.iter().map(|owner| secrets::find(tx, owner, name));
            found.push((name.clone(), of_name.find_map(Result::transpose).transpose()?));
        }
        Ok(found)
    })?;
    let mut values = Vec::with_capacity(found.len());
    for (name, secret) in found {
        let Some(secret) = secret else {
            return Ok(Err(format!("the secret `{name}` was removed since the job was submitted")));
        };
        match center.compute.keyring.open(&center.settings, &secret) {
            Ok(value) => values.push((name, value)),
            Err(error) => {
                tracing::error!(secret = name, %error, "a secret can't be opened");
                return Ok(Err(format!("the secret `{name}` can't be opened; the center's log says why")));
            }
        }
    }
    Ok(Ok(values))
}
