//! Texts of contracts and amendments, filled in and frozen; and what may not go on before both sides have signed one.

use base::{
    error::AppError,
    moment::{self, new_id},
    page::{texts as words, words::Ui},
    refusal::Paper,
};
use domain::{
    AmendmentId, Contract, ContractTextId, Lang, MemberId, MicroCny, ServiceClass, Tenant, Timestamp,
    amendment::Effective,
    contract::ContractKind,
    price::{self, PriceBook, Waivers},
};
use store::{
    Tx,
    amendments::Amendment,
    chain::hex,
    pools, prices, tenants,
    texts::{self as rows, ContractText, Side},
};

use super::template::{Filled, Spot};
use crate::{amendment::change, center::Center};

/// Freezes the text of a contract as it stands. Where nothing is other than in the text that counts, that one goes on counting.
pub fn contract_text(
    tx: &Tx,
    center: &Center,
    contract: &Contract,
    by: Option<MemberId>,
) -> Result<ContractText, AppError> {
    let tenant = tenants::get_tenant(tx, contract.tenant)?;
    refuse_unnamed(center, &tenant)?;
    let now = moment::now();
    let books = prices::list_price_books(tx)?;
    let book = price::in_force(&books, now);
    let pools = pools::list_pools(tx)?;
    let of_contract: Vec<_> = pools.iter().filter(|pool| contract.pools.contains(&pool.id)).collect();
    let text = |lang: Lang| {
        let ui = Ui { lang, zone: center.settings.time_zone };
        let names: Vec<String> =
            of_contract.iter().map(|pool| ui.t2("paper-pool", &pool.name, &pool.model.name)).collect();
        let mut filled = parties(center, contract, &tenant);
        filled.extend([
            (Spot::Domain, ui.word("domain", tenant.domain.code())),
            (Spot::Pools, names.join(&ui.t("paper-and"))),
            (Spot::Queue, queue(ui, contract)),
            (Spot::Starts, ui.zone.clock(contract.starts_at)),
            (Spot::Ends, ui.zone.clock(contract.ends_at)),
            (Spot::TimeZone, ui.zone.name().to_owned()),
            (Spot::Kind, ui.word("kind", contract.kind.code())),
            (Spot::Terms, terms(ui, &contract.kind)),
            (Spot::Prices, rates(ui, contract, &tenant, book, &of_contract)),
            (Spot::Waivers, waivers(ui, book.map_or(Waivers::ALL, |book| book.waivers))),
            (Spot::DueDays, center.settings.books.due_days.to_string()),
            (Spot::Grace, ui.span(center.settings.billing.grace_ms)),
        ]);
        center.templates.contract(lang).fill(&filled)
    };
    let (zh, en) = (text(Lang::Zh), text(Lang::En));
    let newest = rows::newest(tx, contract.id)?;
    if let Some(same) = newest.filter(|newest| newest.sha256 == rows::digest(&zh, &en)) {
        return Ok(same);
    }
    keep(tx, contract, (None, by), (zh, en), now)
}

/// Freezes the text of an amendment, where its contract has a text.
pub fn amendment_text(
    tx: &Tx,
    center: &Center,
    contract: &Contract,
    amendment: &Amendment,
) -> Result<(), AppError> {
    let Some(of_contract) = rows::newest(tx, contract.id)? else { return Ok(()) };
    let tenant = tenants::get_tenant(tx, contract.tenant)?;
    refuse_unnamed(center, &tenant)?;
    let changes = change::changes(&contract.terms(), &amendment.terms());
    let text = |lang: Lang| {
        let ui = Ui { lang, zone: center.settings.time_zone };
        let line = |told: change::Told| {
            let args = [("term", told.term.as_str()), ("a", &told.before), ("b", &told.after)];
            format!("- {}", words::text(lang, "paper-change", &args))
        };
        let lines: Vec<String> = change::told(ui, &changes).into_iter().map(line).collect();
        let mut filled = parties(center, contract, &tenant);
        filled.extend([
            (Spot::Changes, lines.join("\n")),
            (Spot::Effective, effective(ui, amendment.effective)),
            (Spot::Reason, amendment.reason.clone()),
            (Spot::ContractSha256, hex(&of_contract.sha256)),
        ]);
        center.templates.amendment(lang).fill(&filled)
    };
    let of = (Some(amendment.id), Some(amendment.drawn_by));
    keep(tx, contract, of, (text(Lang::Zh), text(Lang::En)), amendment.drawn_at)?;
    Ok(())
}

fn keep(
    tx: &Tx,
    contract: &Contract,
    (amendment, made_by): (Option<AmendmentId>, Option<MemberId>),
    (zh, en): (String, String),
    made_at: Timestamp,
) -> Result<ContractText, AppError> {
    let text = ContractText {
        id: new_id!(ContractTextId),
        contract: contract.id,
        version: rows::last_version(tx, contract.id)? + 1,
        amendment,
        sha256: rows::digest(&zh, &en),
        zh,
        en,
        made_by,
        made_at,
    };
    rows::insert(tx, &text)?;
    Ok(text)
}

/// Whether a text can name both parties, as they are registered.
pub fn has_parties(center: &Center, tenant: &Tenant) -> bool {
    refuse_unnamed(center, tenant).is_ok()
}

/// A contract is between two that have a registered name and a code.
fn refuse_unnamed(center: &Center, tenant: &Tenant) -> Result<(), AppError> {
    let payee = &center.settings.books.payee;
    if payee.name.is_empty() || payee.tax_number.is_empty() {
        return Err(Paper::CenterUnnamed.into());
    }
    if tenant.legal_name.is_empty() || code_of(tenant).is_empty() {
        return Err(Paper::TenantUnnamed { tenant: tenant.slug.clone() }.into());
    }
    Ok(())
}

fn code_of(tenant: &Tenant) -> &str {
    if tenant.tax_number.is_empty() { &tenant.other_tax_number } else { &tenant.tax_number }
}

fn parties(center: &Center, contract: &Contract, tenant: &Tenant) -> Filled {
    let payee = &center.settings.books.payee;
    Filled::from([
        (Spot::Number, contract.number.clone()),
        (Spot::CenterName, payee.name.clone()),
        (Spot::CenterCode, payee.tax_number.clone()),
        (Spot::CenterBank, payee.bank.clone()),
        (Spot::CenterAccount, payee.account.clone()),
        (Spot::TenantName, tenant.legal_name.clone()),
        (Spot::TenantCode, code_of(tenant).to_owned()),
    ])
}

fn effective(ui: Ui, effective: Effective) -> String {
    ui.word("paper-effective", effective.code())
}

/// Yuan to the last place that it has.
fn money(ui: Ui, amount: MicroCny) -> String {
    let text = if amount.0 % 10_000 == 0 { amount.to_string() } else { amount.exact() };
    ui.t1("paper-yuan", "amount", text)
}

/// What of the kind is agreed on, in whole sentences.
fn terms(ui: Ui, kind: &ContractKind) -> String {
    match kind {
        ContractKind::Prepaid { package, fee } => {
            ui.t2("paper-terms-prepaid", ui.set_hours(package), money(ui, *fee))
        }
        ContractKind::Metered { credit_limit } => {
            ui.t1("paper-terms-metered", "limit", money(ui, *credit_limit))
        }
        ContractKind::Reserved { cards, fee } => ui.t2("paper-terms-reserved", cards, money(ui, *fee)),
        ContractKind::Grant { cap: Some(cap) } => ui.t1("paper-terms-grant", "hours", ui.set_hours(cap)),
        ContractKind::Grant { cap: None } => ui.t("paper-terms-grant-open"),
    }
}

fn queue(ui: Ui, contract: &Contract) -> String {
    let terms = contract.limits();
    let limit = |limit: Option<u32>| limit.map_or_else(|| ui.t("no-bound"), |cards| cards.to_string());
    let args = [
        ("guaranteed", terms.guaranteed_cards.to_string()),
        ("most", terms.max_running_cards.to_string()),
        ("borrow", limit(terms.borrowing_limit)),
        ("lend", limit(terms.lending_limit)),
    ];
    words::text(ui.lang, "paper-queue", &args.each_ref().map(|(name, value)| (*name, value.as_str())))
}

/// The charge for a card-hour, in each pool and class where they differ.
fn rates(
    ui: Ui,
    contract: &Contract,
    tenant: &Tenant,
    book: Option<&PriceBook>,
    pools: &[&pools::Pool],
) -> String {
    match contract.kind {
        ContractKind::Prepaid { .. } => {
            let rate = contract.kind.rate(None).unwrap_or_default();
            ui.t1("paper-prices-prepaid", "rate", money(ui, rate.0))
        }
        ContractKind::Reserved { .. } => ui.t("paper-prices-reserved"),
        ContractKind::Grant { .. } => ui.t("paper-prices-grant"),
        ContractKind::Metered { .. } => {
            let Some(book) = book else { return ui.t("paper-prices-none") };
            let line = |pool: &pools::Pool, class: ServiceClass| {
                let rate = book.rate(pool.id, class, tenant.domain)?;
                let (class, rate) = (ui.word("class", class.code()), money(ui, rate.0));
                let args = [("pool", pool.name.as_str()), ("class", &class), ("rate", &rate)];
                Some(format!("- {}", words::text(ui.lang, "paper-price", &args)))
            };
            let lines: Vec<String> = pools
                .iter()
                .flat_map(|pool| ServiceClass::ALL.into_iter().filter_map(|class| line(pool, class)))
                .collect();
            if lines.is_empty() {
                return ui.t("paper-prices-none");
            }
            format!("{}\n{}", ui.t1("paper-prices-metered", "book", &book.name), lines.join("\n"))
        }
    }
}

fn waivers(ui: Ui, waivers: Waivers) -> String {
    ui.t2("paper-waivers", waivers.lost_percent, waivers.preempted_percent)
}

/// The sides whose signature a text lacks.
pub fn missing(tx: &Tx, text: ContractTextId) -> Result<Vec<Side>, AppError> {
    let signed = rows::signatures(tx, text)?;
    Ok(Side::ALL.into_iter().filter(|side| signed.iter().all(|one| one.side != *side)).collect())
}

/// Refuses to activate a contract whose text lacks a signature; and one without a text, where the settings want one.
pub fn refuse_unsigned(tx: &Tx, center: &Center, contract: &Contract) -> Result<(), AppError> {
    let missing = match rows::newest(tx, contract.id)? {
        Some(text) => missing(tx, text.id)?,
        None if center.settings.signing.required => Side::ALL.into(),
        None => Vec::new(),
    };
    if missing.is_empty() {
        return Ok(());
    }
    Err(Paper::NotSigned { contract: contract.number.clone(), missing }.into())
}

/// Refuses to approve an amendment whose text lacks a signature.
pub fn refuse_unsigned_amendment(tx: &Tx, contract: &Contract, id: AmendmentId) -> Result<(), AppError> {
    let Some(text) = rows::of_amendment(tx, id)? else { return Ok(()) };
    let missing = missing(tx, text.id)?;
    if missing.is_empty() {
        return Ok(());
    }
    Err(Paper::NotSigned { contract: contract.number.clone(), missing }.into())
}

/// Freezes the text of a contract that is submitted: where it has one, or must.
pub fn at_submission(tx: &Tx, center: &Center, contract: &Contract, by: MemberId) -> Result<(), AppError> {
    if center.settings.signing.required || rows::newest(tx, contract.id)?.is_some() {
        contract_text(tx, center, contract, Some(by))?;
    }
    Ok(())
}
