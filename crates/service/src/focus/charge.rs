//! A row of the dataset Cost and Usage: a charge, and its columns.

use base::text::Text;
use center::app::csv::{self, quoted};
use domain::{
    CardMs, ContractId, JobId, MicroCny, Month, PoolId, PriceBookId, ProjectId, RatePerCardHour,
    ServiceClass, TenantDomain, TenantId, Timestamp,
};

use super::rule::{
    CARD_HOURS, CONTRACT, ChargeCategory, ChargeFrequency, CommitmentStatus, PricingCategory, WAIVER,
    card_hours, instant, yuan,
};

/// Who sells and who issues invoices.
#[derive(Clone, Debug)]
pub struct Provider {
    pub name: String,
    pub issuer: String,
}

/// Whose bill a charge is on.
#[derive(Clone, Debug)]
pub struct Account {
    pub id: TenantId,
    pub name: Text,
    pub domain: TenantDomain,
}

/// The contract that a charge is of.
#[derive(Clone, Debug)]
pub struct ContractOf {
    pub id: ContractId,
    pub number: String,
    /// What is committed to by it: its kind in words.
    pub commitment: Option<&'static str>,
}

/// The job that was run, with its price.
#[derive(Clone, Debug)]
pub struct RunOf {
    pub job: JobId,
    pub job_name: String,
    pub project: ProjectId,
    pub project_name: String,
    pub pool: Option<PoolId>,
    pub pool_name: String,
    pub class: ServiceClass,
    /// The rate by which it is charged.
    pub rate: RatePerCardHour,
    pub price_book: Option<PriceBookId>,
    /// The price book's rate, or the charged one where no book has one.
    pub list_rate: RatePerCardHour,
}

/// How much was sold, at which prices.
#[derive(Clone, Debug)]
pub enum Priced {
    /// Card time of a run.
    CardTime { used: CardMs, contracted: RatePerCardHour },
    /// The contract as a whole, at that price.
    Whole(MicroCny),
    /// A share of a run's use that is not charged, rounded up in card time and money alike: it goes back as one thing of
    /// that price.
    Waived(MicroCny),
}

/// The part of a commitment that a charge is about.
#[derive(Clone, Copy, Debug)]
pub struct Committed {
    pub quantity: Option<CardMs>,
    pub status: Option<CommitmentStatus>,
}

/// Costs in the four ways of the specification.
#[derive(Clone, Copy, Debug, Default)]
pub struct Costs {
    pub billed: MicroCny,
    pub contracted: MicroCny,
    pub effective: MicroCny,
    pub list: MicroCny,
}

impl Costs {
    /// One amount, however it is looked at.
    pub fn alike(amount: MicroCny) -> Self {
        Self { billed: amount, contracted: amount, effective: amount, list: amount }
    }
}

#[derive(Clone, Debug)]
pub struct Charge {
    pub contract: Option<ContractOf>,
    pub category: ChargeCategory,
    pub frequency: ChargeFrequency,
    pub description: &'static str,
    /// The closed month that it corrects.
    pub corrects: Option<Month>,
    pub from: Timestamp,
    /// Its end, which is no part of it.
    pub until: Timestamp,
    pub costs: Costs,
    pub run: Option<RunOf>,
    pub priced: Option<Priced>,
    pub pricing: Option<PricingCategory>,
    /// Card time that was used up.
    pub consumed: Option<CardMs>,
    pub committed: Option<Committed>,
    pub statement: Option<String>,
    pub invoice: Option<String>,
}

/// All that the rows of a month have in common.
#[derive(Clone, Debug)]
pub struct Bill {
    pub provider: Provider,
    pub account: Account,
    pub from: Timestamp,
    pub until: Timestamp,
}

/// The columns, those of the specification first and in the order of their names.
pub const COLUMNS: [&str; 56] = [
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingAccountType",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "CommitmentDiscountCategory",
    "CommitmentDiscountId",
    "CommitmentDiscountName",
    "CommitmentDiscountQuantity",
    "CommitmentDiscountStatus",
    "CommitmentDiscountType",
    "CommitmentDiscountUnit",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractApplied",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "HostProviderName",
    "InvoiceId",
    "InvoiceIssuerName",
    "ListCost",
    "ListUnitPrice",
    "PricingCategory",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "ServiceCategory",
    "ServiceName",
    "ServiceProviderName",
    "ServiceSubcategory",
    "SkuId",
    "SkuMeter",
    "SkuPriceDetails",
    "SkuPriceId",
    "SubAccountId",
    "SubAccountName",
    "SubAccountType",
    "x_ContractNumber",
    "x_CorrectsMonth",
    "x_Domain",
    "x_Pool",
    "x_ServiceClass",
    "x_StatementId",
];

impl Bill {
    pub fn row(&self, charge: &Charge) -> String {
        csv::row(&self.cells(charge))
    }

    /// The cells in the order of [`COLUMNS`]; what there is none of is an empty cell.
    pub(super) fn cells(&self, charge: &Charge) -> Vec<String> {
        let mut cells = Vec::with_capacity(COLUMNS.len());
        let none = String::new;
        let said = |is_said: bool, text: &str| if is_said { text.to_owned() } else { none() };
        let Costs { billed, contracted, effective, list } = charge.costs;
        cells.extend([yuan(billed), self.account.id.to_string(), quoted(&self.account.name.zh)]);
        cells.extend([said(true, "Tenant"), said(true, "CNY"), instant(self.until), instant(self.from)]);
        cells.push(charge.category.code().to_owned());
        cells.push(said(charge.corrects.is_some(), "Correction"));
        cells.extend([quoted(charge.description), charge.frequency.code().to_owned()]);
        cells.extend([instant(charge.until), instant(charge.from)]);
        cells.extend(commitment(charge));
        let consumed = charge.consumed.map(card_hours).unwrap_or_default();
        cells.extend([consumed, said(charge.consumed.is_some(), CARD_HOURS), applied(charge)]);
        let (contracted_price, list_price, quantity, unit) = prices(charge);
        cells.extend([yuan(contracted), contracted_price, yuan(effective), quoted(&self.provider.name)]);
        cells.push(charge.invoice.clone().unwrap_or_default());
        cells.extend([quoted(&self.provider.issuer), yuan(list), list_price]);
        cells.push(charge.pricing.map(|pricing| pricing.code().to_owned()).unwrap_or_default());
        cells.extend([quantity, unit.to_owned()]);
        cells.extend([quoted(&self.provider.name), quoted(&self.provider.name)]);
        let run = charge.run.as_ref();
        cells.extend([
            run.map(|run| run.job.to_string()).unwrap_or_default(),
            run.map(|run| quoted(&run.job_name)).unwrap_or_default(),
            said(run.is_some(), "Job"),
        ]);
        cells.extend([said(true, "AI and Machine Learning"), said(true, "Accelerated Computing")]);
        cells.extend([quoted(&self.provider.name), said(true, "AI Platforms")]);
        cells.extend(self.sku(charge));
        cells.extend([
            run.map(|run| run.project.to_string()).unwrap_or_default(),
            run.map(|run| quoted(&run.project_name)).unwrap_or_default(),
            said(run.is_some(), "Project"),
        ]);
        cells.push(charge.contract.as_ref().map(|contract| quoted(&contract.number)).unwrap_or_default());
        cells.push(charge.corrects.map(|month| month.to_string()).unwrap_or_default());
        cells.push(self.account.domain.code().to_owned());
        cells.push(run.map(|run| quoted(&run.pool_name)).unwrap_or_default());
        cells.push(run.map(|run| run.class.code().to_owned()).unwrap_or_default());
        cells.push(charge.statement.clone().unwrap_or_default());
        cells
    }

    /// What was sold, how it is measured, and at which price of which list.
    fn sku(&self, charge: &Charge) -> [String; 4] {
        if charge.priced.is_none() {
            return Default::default();
        }
        let Some(run) = charge.run.as_ref() else {
            let Some(contract) = charge.contract.as_ref() else { return Default::default() };
            let kind = contract.commitment.unwrap_or("contract");
            return [
                format!("contract/{kind}"),
                CONTRACT.to_owned(),
                String::new(),
                quoted(&contract.number),
            ];
        };
        let (class, domain) = (run.class.code(), self.account.domain.code());
        let details = serde_json::json!({ "x_ServiceClass": class, "x_Domain": domain });
        let price = match (run.price_book, run.pool) {
            (Some(book), Some(pool)) => format!("{book}/{pool}/{class}/{domain}"),
            _ => charge.contract.as_ref().map(|contract| contract.number.clone()).unwrap_or_default(),
        };
        let sku = quoted(&format!("{}/{class}", run.pool_name));
        [sku, "Card Time".to_owned(), quoted(&details.to_string()), quoted(&price)]
    }
}

/// The seven columns of commitment discounts.
fn commitment(charge: &Charge) -> [String; 7] {
    let (Some(committed), Some(contract)) = (charge.committed, charge.contract.as_ref()) else {
        return Default::default();
    };
    let Some(kind) = contract.commitment else { return Default::default() };
    [
        "Usage".to_owned(),
        quoted(&contract.number),
        quoted(&contract.number),
        committed.quantity.map(card_hours).unwrap_or_default(),
        committed.status.map(|status| status.code().to_owned()).unwrap_or_default(),
        kind.to_owned(),
        committed.quantity.map(|_| CARD_HOURS.to_owned()).unwrap_or_default(),
    ]
}

/// What of which contract's commitment a charge of use is part of.
fn applied(charge: &Charge) -> String {
    let (Some(committed), Some(contract)) = (charge.committed, charge.contract.as_ref()) else {
        return String::new();
    };
    if committed.status.is_none() {
        return String::new();
    }
    // The numbers are written as they are in their own columns, to the last place.
    let number = serde_json::Value::from(contract.number.as_str());
    let quantity = committed.quantity.map_or_else(|| "null".to_owned(), card_hours);
    quoted(&format!(
        "{{\"Elements\":[{{\"ContractID\":\"{}\",\"ContractCommitmentID\":{number},\"ContractCommitmentAppliedCost\":{},\
         \"ContractCommitmentAppliedQuantity\":{quantity},\"ContractCommitmentAppliedUnit\":\"{CARD_HOURS}\"}}]}}",
        contract.id,
        yuan(charge.costs.effective),
    ))
}

/// The contracted and the list price of a unit, how many units, and which.
fn prices(charge: &Charge) -> (String, String, String, &'static str) {
    match &charge.priced {
        None => (String::new(), String::new(), String::new(), ""),
        Some(Priced::Whole(price)) => (yuan(*price), yuan(*price), "1".to_owned(), CONTRACT),
        Some(Priced::Waived(price)) => (yuan(*price), yuan(*price), "-1".to_owned(), WAIVER),
        Some(Priced::CardTime { used, contracted }) => {
            let list = charge.run.as_ref().map_or(*contracted, |run| run.list_rate);
            (yuan(contracted.0), yuan(list.0), card_hours(*used), CARD_HOURS)
        }
    }
}
