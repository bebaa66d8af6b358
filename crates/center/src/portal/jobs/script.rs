//! A job's script in its page: as text, which says in which encoding it was read where that is not UTF-8, and as its bytes.

use std::borrow::Cow;

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use base::{error::AppError, http::Id, page::frame::Visitor, params};
use domain::{JobId, JobSpec};

use super::log::Choice;
use crate::{
    app::jobs,
    center::Center,
    log::{
        ask,
        encoding::{OFFERED, Reading},
    },
};

/// The script's part of a job's page.
pub struct Script {
    pub text: String,
    /// The encoding in which it is shown, where its bytes are no UTF-8 or somebody chose one.
    pub encoding: Option<&'static str>,
    pub encodings: Vec<Choice>,
    pub download: String,
}

/// The script of a job, read in the encoding of that name, or in its own.
pub fn shown(job: JobId, spec: &JobSpec, encoding: &str) -> Result<Script, AppError> {
    let reading = ask::reading(Some(encoding).filter(|name| !name.is_empty()))?;
    let bytes = bytes(spec);
    let (text, name) = match (reading, spec.encoding) {
        (Reading::Chosen(_), _) => (reading.text(&bytes).into_owned(), Some(reading.name())),
        (Reading::Guessed(_), Some(own)) => {
            let name = Reading::named(own.code()).map_or(own.code(), Reading::name);
            (spec.script.clone(), Some(name))
        }
        (Reading::Guessed(_), None) => (spec.script.clone(), None),
    };
    let choice = |offered: &&str| Choice {
        value: (*offered).to_owned(),
        href: String::new(),
        is_shown: name.is_some_and(|name| name == *offered),
    };
    let encodings = if name.is_some() { OFFERED.iter().map(choice).collect() } else { Vec::new() };
    Ok(Script { text, encoding: name, encodings, download: format!("/jobs/{job}/script") })
}

fn bytes(spec: &JobSpec) -> Cow<'_, [u8]> {
    let encoded = spec.encoding.and_then(|encoding| encoding.encode(&spec.script));
    encoded.unwrap_or(Cow::Borrowed(spec.script.as_bytes()))
}

/// A job's script as a file: its bytes as they are run.
pub async fn download(
    State(center): State<Center>,
    Id(id): Id,
    visitor: Visitor,
) -> Result<Response, AppError> {
    let id: JobId = params::id(&id, "job")?;
    jobs::visible(&center, &visitor.caller, id, crate::actions::READ_SCRIPT).await?;
    let detail = jobs::show(&center, &visitor.caller, &id.into()).await?;
    let name = format!("attachment; filename=\"{id}.sh\"");
    let headers =
        [(header::CONTENT_TYPE, "application/octet-stream".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, bytes(&detail.spec).into_owned()).into_response())
}

#[cfg(test)]
mod tests {
    use domain::spec::encoding::Encoding;

    use super::*;

    #[test]
    fn a_script_is_shown_as_named_and_downloaded_as_its_bytes() {
        let gbk = b"# \xd1\xb5\xc1\xb7\n";
        let spec =
            JobSpec { script: "# 训练\n".into(), encoding: Some(Encoding::Gb18030), ..JobSpec::default() };
        assert_eq!(&*bytes(&spec), gbk);
        let job = JobId::from_bytes([1; 16]);
        let of = |name: &str| shown(job, &spec, name).map(|script| (script.text, script.encoding));
        assert_eq!(of("").unwrap(), ("# 训练\n".into(), Some("GB18030")));
        assert_eq!(of("windows-1252").unwrap(), ("# ÑµÁ·\n".into(), Some("windows-1252")));
        assert!(of("klingon").is_err());
        let plain = JobSpec { script: "# 训练\n".into(), ..JobSpec::default() };
        let plain = shown(job, &plain, "").unwrap();
        assert_eq!((plain.encoding, plain.encodings.len()), (None, 0));
    }
}
