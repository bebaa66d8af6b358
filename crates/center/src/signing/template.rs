//! Templates of contract texts: plain text with named places, `{number}`. A template is read once, when the center starts; what
//! it says is then only filled in. `# ` begins the title, `## ` a heading, `- ` an item of a list.

use std::{collections::BTreeMap, path::PathBuf};

use domain::Lang;

use crate::settings::SigningSettings;

domain::codes! {
    /// A place of a template, by the name that stands in its braces.
    pub enum Spot {
        Number = "number",
        CenterName = "center_name",
        CenterCode = "center_code",
        CenterBank = "center_bank",
        CenterAccount = "center_account",
        TenantName = "tenant_name",
        TenantCode = "tenant_code",
        Domain = "domain",
        Pools = "pools",
        Queue = "queue",
        Starts = "starts",
        Ends = "ends",
        TimeZone = "time_zone",
        Kind = "kind",
        Terms = "terms",
        Prices = "prices",
        Waivers = "waivers",
        DueDays = "due_days",
        Grace = "grace",
        Changes = "changes",
        Effective = "effective",
        Reason = "reason",
        ContractSha256 = "contract_sha256",
    }
}

/// Without these nobody can tell who the parties are.
const PARTIES: [Spot; 5] =
    [Spot::Number, Spot::CenterName, Spot::CenterCode, Spot::TenantName, Spot::TenantCode];

/// What a template is of: the places that it may have, and those that it must.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    Contract,
    Amendment,
}

impl Of {
    fn takes(self, spot: Spot) -> bool {
        let of_amendment = [Spot::Changes, Spot::Effective, Spot::Reason, Spot::ContractSha256];
        PARTIES.contains(&spot) || of_amendment.contains(&spot) == (self == Self::Amendment)
    }

    fn must_have(self, spot: Spot) -> bool {
        let own: &[Spot] = match self {
            Self::Contract => {
                &[Spot::Pools, Spot::Starts, Spot::Ends, Spot::Terms, Spot::Prices, Spot::Waivers]
            }
            Self::Amendment => &[Spot::Changes, Spot::Effective, Spot::ContractSha256],
        };
        PARTIES.contains(&spot) || own.contains(&spot)
    }
}

/// What is filled in, by place.
pub type Filled = BTreeMap<Spot, String>;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Spot(Spot),
}

/// A template that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

/// Why a template can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateFault {
    #[error("line {line} has a brace that belongs to no place: write `{{number}}` and its like")]
    Brace { line: usize },
    #[error("line {line} has the place `{name}`, which there is not here: {known}")]
    Unknown { line: usize, name: String, known: String },
    #[error("it lacks the places {}", .0.join(", "))]
    Missing(Vec<&'static str>),
    #[error("it begins with no title: write `# ` and the title on its first line")]
    NoTitle,
    #[error("it holds control characters")]
    Control,
}

impl Template {
    fn read(text: &str, of: Of) -> Result<Self, TemplateFault> {
        let text = text.replace("\r\n", "\n");
        if text.chars().any(|c| c.is_control() && c != '\n') {
            return Err(TemplateFault::Control);
        }
        if !text.starts_with("# ") {
            return Err(TemplateFault::NoTitle);
        }
        let mut pieces = Vec::new();
        let mut rest = text.as_str();
        let line_of = |rest: &str| text[..text.len() - rest.len()].matches('\n').count() + 1;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            let name = from.strip_prefix('{').and_then(|inner| inner.split_once('}'));
            let (name, after) = name.ok_or_else(|| TemplateFault::Brace { line: line_of(from) })?;
            if name.contains(['{', '\n']) {
                return Err(TemplateFault::Brace { line: line_of(from) });
            }
            let spot = Spot::from_code(name).filter(|spot| of.takes(*spot)).ok_or_else(|| {
                let known: Vec<_> =
                    Spot::ALL.iter().filter(|spot| of.takes(**spot)).map(|spot| spot.code()).collect();
                TemplateFault::Unknown {
                    line: line_of(from),
                    name: name.chars().take(80).collect(),
                    known: known.join(", "),
                }
            })?;
            pieces.extend([Piece::Text(before.to_owned()), Piece::Spot(spot)]);
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        let lacks = |spot: &Spot| of.must_have(*spot) && !pieces.contains(&Piece::Spot(*spot));
        let missing: Vec<&str> =
            Spot::ALL.iter().filter(|spot| lacks(spot)).map(|spot| spot.code()).collect();
        if missing.is_empty() { Ok(Self(pieces)) } else { Err(TemplateFault::Missing(missing)) }
    }

    /// The text with everything filled in. Its lines have no space at their ends, and it ends with one line end.
    pub fn fill(&self, filled: &Filled) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Spot(spot) => filled.get(spot).cloned().unwrap_or_default(),
        };
        let whole: String = self.0.iter().map(piece).collect();
        let lines: Vec<&str> = whole.trim().lines().map(str::trim_end).collect();
        lines.join("\n") + "\n"
    }
}

/// All templates of a center.
#[derive(Clone, Debug)]
pub struct Templates {
    contract: [Template; 2],
    amendment: [Template; 2],
}

/// A template that keeps the center from starting.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    #[error("failed to read the template {path}, which `signing.{key}` names: {cause}")]
    Read { key: &'static str, path: PathBuf, cause: std::io::Error },
    #[error("the template {path}, which `signing.{key}` names, can't be used: {fault}")]
    Fault { key: &'static str, path: PathBuf, fault: TemplateFault },
}

const SHIPPED: [[&str; 2]; 2] = [
    [include_str!("texts/contract.zh.txt"), include_str!("texts/contract.en.txt")],
    [include_str!("texts/amendment.zh.txt"), include_str!("texts/amendment.en.txt")],
];

impl Templates {
    /// Those of the settings; the program's own where they name none.
    pub fn load(settings: &SigningSettings) -> Result<Self, TemplateError> {
        let one = |key: &'static str, path: &Option<PathBuf>, shipped: &str, of: Of| {
            let Some(path) = path else {
                return Ok(Template::read(shipped, of).expect("a test reads the program's own"));
            };
            let path = path.clone();
            let text = std::fs::read_to_string(&path);
            let text = match text {
                Ok(text) => text,
                Err(cause) => return Err(TemplateError::Read { key, path, cause }),
            };
            Template::read(&text, of).map_err(|fault| TemplateError::Fault { key, path, fault })
        };
        let [[contract_zh, contract_en], [amendment_zh, amendment_en]] = SHIPPED;
        Ok(Self {
            contract: [
                one("template_zh", &settings.template_zh, contract_zh, Of::Contract)?,
                one("template_en", &settings.template_en, contract_en, Of::Contract)?,
            ],
            amendment: [
                one("amendment_zh", &settings.amendment_zh, amendment_zh, Of::Amendment)?,
                one("amendment_en", &settings.amendment_en, amendment_en, Of::Amendment)?,
            ],
        })
    }

    pub fn contract(&self, lang: Lang) -> &Template {
        &self.contract[usize::from(lang == Lang::En)]
    }

    pub fn amendment(&self, lang: Lang) -> &Template {
        &self.amendment[usize::from(lang == Lang::En)]
    }
}

impl Default for Templates {
    fn default() -> Self {
        Self::load(&SigningSettings::default()).expect("the program's own are whole")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "# Title\n{number} {center_name} {center_code} {tenant_name} {tenant_code} {pools} {starts} {ends} \
                         {terms} {prices} {waivers}";

    #[test]
    fn the_program_s_own_templates_are_whole_and_have_equal_clauses() {
        for (texts, of) in SHIPPED.into_iter().zip([Of::Contract, Of::Amendment]) {
            let read = texts.map(|text| Template::read(text, of).expect("it is whole"));
            let spots = |template: &Template| {
                let mut spots: Vec<Spot> = template
                    .0
                    .iter()
                    .filter_map(|piece| match piece {
                        Piece::Spot(spot) => Some(*spot),
                        Piece::Text(_) => None,
                    })
                    .collect();
                spots.sort_unstable();
                spots
            };
            assert_eq!(spots(&read[0]), spots(&read[1]));
            let [zh, en] = texts.map(|text| text.lines().filter(|line| line.starts_with("## ")).count());
            assert_eq!(zh, en);
        }
    }

    #[test]
    fn what_can_t_be_filled_in_is_refused_with_its_line() {
        let fault = |text: &str| Template::read(text, Of::Contract).unwrap_err();
        assert!(Template::read(WHOLE, Of::Contract).is_ok());
        assert_eq!(fault("Title"), TemplateFault::NoTitle);
        assert_eq!(fault(&WHOLE.replace("{pools}", "{pools")), TemplateFault::Brace { line: 2 });
        assert_eq!(fault(&format!("{WHOLE}\n\na }} b")), TemplateFault::Brace { line: 4 });
        let unknown = fault(&format!("{WHOLE}\n{{nmuber}}"));
        assert!(
            matches!(&unknown, TemplateFault::Unknown { line: 3, name, .. } if name == "nmuber"),
            "{unknown:?}"
        );
        // A place of amendments alone.
        assert!(matches!(fault(&format!("{WHOLE}{{changes}}")), TemplateFault::Unknown { .. }));
        let missing = fault(&WHOLE.replace("{terms} ", ""));
        assert_eq!(missing, TemplateFault::Missing(vec!["terms"]));
        assert_eq!(fault(&format!("{WHOLE}\u{7}")), TemplateFault::Control);
    }

    #[test]
    fn what_is_filled_in_is_not_read_as_a_template() {
        let template = Template::read(WHOLE, Of::Contract).unwrap();
        let filled = Filled::from([(Spot::TenantName, "{number} ".into()), (Spot::Number, "HZ-1".into())]);
        let text = template.fill(&filled);
        assert!(text.contains("HZ-1") && text.contains("{number}") && text.ends_with('\n'), "{text}");
    }
}
