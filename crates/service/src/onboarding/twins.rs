//! Who else has what an organisation asks for: a short name and a credit code are one organisation's alone.

use base::{
    approval::{Answers, rows},
    error::AppError,
};
use domain::{
    ApplicationId,
    problem::{Field, SpecProblem, Wrong, field},
};
use serde::Serialize;
use serde_json::Value;
use store::{StoreError, Tx, tenants};

use super::rule::{CODE, login};

/// The most applications that are told of one answer.
const MOST: u32 = 5;

/// Another that has an answer of an application. One of the three is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Twin {
    /// The question with that answer: `slug` or `tax_number`.
    pub question: String,
    /// The number of an application that is not decided.
    pub application: Option<String>,
    /// The short name of a tenant.
    pub tenant: Option<String>,
    /// The login that the first administrator would have, where somebody else has it.
    pub login: Option<String>,
}

fn twin(question: Field) -> Twin {
    Twin { question: question.code.to_owned(), application: None, tenant: None, login: None }
}

/// Who has the short name: a tenant, or a person with the login that would be the first administrator's.
fn of_name(tx: &Tx, slug: &str) -> Result<Option<Twin>, StoreError> {
    if let Some(tenant) = tenants::find_tenant(tx, slug)? {
        return Ok(Some(Twin { tenant: Some(tenant.slug), ..twin(field::SLUG) }));
    }
    let login = login(slug);
    let is_there = tenants::find_login(tx, &login)?.is_some();
    Ok(is_there.then(|| Twin { login: Some(login), ..twin(field::SLUG) }))
}

/// All that have the short name or the credit code of these answers, but for the application itself.
pub fn find(tx: &Tx, own: ApplicationId, answers: &Answers) -> Result<Vec<Twin>, StoreError> {
    let text = |field: Field| answers.get(field.code).and_then(Value::as_str).unwrap_or_default();
    let (slug, code) = (text(field::SLUG), text(field::TAX_NUMBER));
    let mut twins = Vec::new();
    if !slug.is_empty() {
        twins.extend(of_name(tx, slug)?);
    }
    if !code.is_empty() {
        let there = tenants::list_by_tax_number(tx, code)?;
        twins.extend(
            there.into_iter().map(|tenant| Twin { tenant: Some(tenant.slug), ..twin(field::TAX_NUMBER) }),
        );
    }
    for (question, answer) in [(field::SLUG, slug), (field::TAX_NUMBER, code)] {
        if answer.is_empty() {
            continue;
        }
        let others = rows::live_with(tx, (CODE, own), (question.code, answer), MOST)?;
        twins.extend(others.into_iter().map(|one| Twin { application: Some(one.number), ..twin(question) }));
    }
    Ok(twins)
}

/// Refuses, at the field, what another has.
pub fn refuse(tx: &Tx, own: ApplicationId, answers: &Answers) -> Result<(), AppError> {
    let twins = find(tx, own, answers)?;
    let problem = |question: Field| {
        let is_taken = twins.iter().any(|twin| twin.question == question.code);
        let given = answers.get(question.code).and_then(Value::as_str).unwrap_or_default().to_owned();
        let wrong =
            if question == field::SLUG { Wrong::NameTaken { given } } else { Wrong::CodeTaken { given } };
        is_taken.then(|| SpecProblem::new(question, wrong))
    };
    let problems: Vec<SpecProblem> =
        [field::SLUG, field::TAX_NUMBER].into_iter().filter_map(problem).collect();
    if problems.is_empty() { Ok(()) } else { Err(AppError::Invalid(problems)) }
}

/// Refuses a short name that can't be given any more.
pub fn refuse_name(tx: &Tx, slug: &str) -> Result<(), AppError> {
    match of_name(tx, slug)? {
        Some(_) => Err(AppError::invalid(field::SLUG, Wrong::NameTaken { given: slug.to_owned() })),
        None => Ok(()),
    }
}
