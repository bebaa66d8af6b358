//! The text of a contract in a browser: to read, to print, to sign.

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use base::{
    error::AppError,
    http::Id,
    page::{
        extract::{Asked, Sent},
        form::Form,
        frame::{Page, Tab, Visitor, render},
        words::Ui,
    },
};
use domain::Lang;
use serde::Deserialize;

use super::{
    ask::{self, ContractTextView, NewSignature, Renewal, Side, signed_bytes},
    confirm,
    rule::{self, MAKE},
};
use crate::{
    app::contracts::{self, ContractView},
    center::Center,
    portal::contracts::show::{Wanted as OfContract, show_contract},
};

#[derive(Template)]
#[template(path = "signing/show.html")]
pub struct TextPage {
    page: Page,
    contract: ContractView,
    /// None where nobody has had a text made.
    paper: Option<ContractTextView>,
    blocks: Vec<Block>,
    versions: Vec<Tab>,
    /// The side that the reader may sign for now, in words.
    side: String,
    /// The reader has a second factor, and signs by a code of it.
    is_by_code: bool,
    may_make: bool,
    form: Form,
}

/// A line of a text, and how it stands on paper.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    class: &'static str,
    text: String,
}

/// The lines of a text as they stand on paper.
fn blocks(text: &str) -> Vec<Block> {
    let block = |line: &str| {
        let of = |mark: &str, class| Some(Block { class, text: line.strip_prefix(mark)?.to_owned() });
        of("## ", "h")
            .or_else(|| of("# ", "title"))
            .or_else(|| of("- ", "item"))
            .unwrap_or_else(|| Block { class: "line", text: line.to_owned() })
    };
    text.lines().filter(|line| !line.trim().is_empty()).map(block).collect()
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    version: Option<i64>,
    /// `txt`: the bytes that are signed.
    format: String,
}

pub async fn show(
    State(center): State<Center>,
    Id(id): Id,
    Asked(wanted): Asked<Wanted>,
    visitor: Visitor,
) -> Result<Response, AppError> {
    if wanted.format == "txt" {
        let text = ask::show(&center, &visitor.caller, &id, wanted.version).await?;
        return Ok(file(&text));
    }
    show_text(&center, &visitor, &id, wanted.version, (StatusCode::OK, Form::default())).await
}

/// The bytes that are signed, as a file.
fn file(text: &ContractTextView) -> Response {
    let mut headers = HeaderMap::new();
    let name = format!("attachment; filename=\"contract-text-{}-{}.txt\"", text.contract_id, text.version);
    for (key, value) in
        [(header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)]
    {
        headers.insert(key, value.parse().expect("it is visible ASCII"));
    }
    (headers, signed_bytes(&text.zh, &text.en)).into_response()
}

async fn show_text(
    center: &Center,
    visitor: &Visitor,
    id: &str,
    version: Option<i64>,
    (status, form): (StatusCode, Form),
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let contract = contracts::show(center, &visitor.caller, id).await?;
    let all = ask::list(center, &visitor.caller, id).await?;
    let is_it = |text: &&ContractTextView| version.is_none_or(|version| version == text.version);
    let text = all.iter().rev().find(is_it).cloned();
    if let (Some(version), None) = (version, &text) {
        return Err(AppError::not_found("contract text", version));
    }
    let shown = text.as_ref().map(|text| text.version);
    let side = text.as_ref().and_then(|text| ask::may_sign(center, &visitor.caller, &contract, text));
    let is_unsigned = text.as_ref().is_none_or(|text| text.signatures.is_empty());
    let page = TextPage {
        page: visitor.page("contracts", format!("{} {}", ui.t("contract-text"), contract.number)),
        blocks: text.as_ref().map(|text| blocks(in_lang(ui, text))).unwrap_or_default(),
        versions: if all.len() > 1 { tabs(ui, &all, shown) } else { Vec::new() },
        side: side.map(|side| ui.word("side", side.code())).unwrap_or_default(),
        is_by_code: confirm::is_by_code(center, &visitor.caller).await?,
        may_make: is_unsigned
            && rule::takes_text(contract.state)
            && visitor.may(center, MAKE, Some(contract.tenant)),
        paper: text,
        contract,
        form,
    };
    Ok(render(status, &page))
}

fn in_lang(ui: Ui, text: &ContractTextView) -> &str {
    match ui.lang {
        Lang::Zh => &text.zh,
        Lang::En => &text.en,
    }
}

fn tabs(ui: Ui, all: &[ContractTextView], shown: Option<i64>) -> Vec<Tab> {
    let tab = |text: &ContractTextView| {
        let word = if text.amendment.is_some() { "text-version-amendment" } else { "text-version" };
        Tab {
            href: format!("/contracts/{}/text?version={}", text.contract_id, text.version),
            word: ui.t1(word, "version", text.version),
            count: String::new(),
            is_current: shown == Some(text.version),
        }
    };
    all.iter().rev().map(tab).collect()
}

impl TextPage {
    /// The word for a side.
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "templates hand over fields by reference")]
    fn side_of(&self, side: &Side) -> String {
        self.page.word("side", side.code())
    }
}

pub async fn make(
    State(center): State<Center>,
    Id(id): Id,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    match ask::make(&center, &visitor.caller, &id).await {
        Ok(_) => Ok(Redirect::to(&format!("/contracts/{id}/text")).into_response()),
        Err(error) => {
            let status = form.explain(visitor.front.ui, error, |_| None)?;
            show_text(&center, &visitor, &id, None, (status, form)).await
        }
    }
}

pub async fn sign(
    State(center): State<Center>,
    Id(id): Id,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    let version = form.value("version").parse::<i64>().unwrap_or_default();
    let given = |name: &str| Some(form.raw(name).to_owned()).filter(|value| !value.is_empty());
    let new = NewSignature {
        version,
        sha256: form.value("sha256").to_owned(),
        code: given("code"),
        password: given("password"),
    };
    match ask::sign(&center, &visitor.caller, &id, new).await {
        Ok(_) => Ok(Redirect::to(&format!("/contracts/{id}/text?version={version}")).into_response()),
        Err(error) => {
            let known = |name: &str| ["code", "password"].into_iter().find(|known| *known == name);
            let status = form.explain(visitor.front.ui, error, known)?;
            let form = form.without("password").without("code");
            show_text(&center, &visitor, &id, Some(version), (status, form)).await
        }
    }
}

pub async fn renew(
    State(center): State<Center>,
    Id(id): Id,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    match ask::renew(&center, &visitor.caller, &id, Renewal::default()).await {
        Ok(made) => Ok(Redirect::to(&format!("/contracts/{}", made.id)).into_response()),
        Err(error) => {
            let status = form.explain(visitor.front.ui, error, |_| None)?;
            show_contract(&center, &visitor, &id, OfContract::default(), (status, form)).await
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::Role;

    use super::*;
    use crate::portal::sample::{Sample, views};
    use crate::signing::ask::{Factor, SignatureView};

    fn text(missing: Vec<Side>, is_intact: bool) -> ContractTextView {
        let signature = |side| SignatureView {
            id: views::id("sig_"),
            side,
            login: "li".into(),
            name: "Li <Lei>".into(),
            role: Role::Contracts,
            factor: Factor::Password,
            at: views::AT.into(),
            from_address: "192.0.2.1".into(),
        };
        let signed = Side::ALL.into_iter().filter(|side| !missing.contains(side));
        ContractTextView {
            id: views::id("ctx_"),
            contract: "HZ-1".into(),
            contract_id: views::contract().id,
            version: 1,
            amendment: None,
            is_current: is_intact,
            is_intact,
            zh: "# 合同\n\n## 一\n甲 <乙>\n- 丙\n".into(),
            en: "# Agreement\n\n## 1\nA <b>\n- c\n".into(),
            sha256: "ab".repeat(32),
            made_at: views::AT.into(),
            signatures: signed.map(signature).collect(),
            missing,
        }
    }

    impl Sample for TextPage {
        fn samples(page: &Page) -> Vec<Self> {
            let sample = |text: Option<ContractTextView>, form: Form| Self {
                page: page.clone(),
                contract: views::contract(),
                blocks: text.as_ref().map(|text| blocks(in_lang(page.ui, text))).unwrap_or_default(),
                versions: text
                    .as_ref()
                    .map(|text| tabs(page.ui, std::slice::from_ref(text), Some(1)))
                    .unwrap_or_default(),
                side: if form.is_good() { String::new() } else { page.word("side", "tenant") },
                is_by_code: !form.problem("code").is_empty(),
                may_make: text.is_none(),
                paper: text,
                form,
            };
            let wrong = |of: &str| {
                let mut form = Form::default();
                form.blame(of, "?");
                form
            };
            vec![
                sample(None, Form::default()),
                sample(Some(text(vec![Side::Tenant], true)), wrong("password")),
                sample(Some(text(vec![Side::Center], true)), wrong("code")),
                sample(Some(text(Vec::new(), true)), Form::default()),
                sample(Some(text(Side::ALL.into(), false)), Form::default()),
            ]
        }
    }

    #[test]
    fn the_marks_of_a_text_become_its_parts() {
        let read = blocks("# A\n\n## B\n- c\nd ## e\n");
        let classes: Vec<(&str, &str)> =
            read.iter().map(|block| (block.class, block.text.as_str())).collect();
        assert_eq!(classes, [("title", "A"), ("h", "B"), ("item", "c"), ("line", "d ## e")]);
    }
}
