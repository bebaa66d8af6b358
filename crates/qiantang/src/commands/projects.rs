//! Projects: what jobs are charged to.

use clap::{Args, Subcommand};
use domain::{Lang, both};
use serde_json::{Value, json};

use crate::context::{Context, Done, Run, part};
use crate::{
    errors::Failure,
    output::{list, pick, table, text},
};

/// List projects, add one, or give one another contract.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Projects {
    #[command(subcommand)]
    act: Option<Act>,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Add a project (operators, and administrators of a tenant).
    #[command(alias = "create")]
    New {
        /// The short name to give it, as in `--account`.
        slug: String,
        /// The project's name.
        #[arg(long)]
        name: String,
        /// The number of the contract that pays for it; none yet where left out.
        #[arg(long)]
        contract: Option<String>,
        /// The tenant's short name (the center's people); your own tenant where left out.
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Give a project another contract.
    Contract {
        /// The project's short name.
        slug: String,
        /// The number of the contract that pays for it from now on; none any more where left out.
        contract: Option<String>,
        /// The tenant's short name, where several have a project of that name.
        #[arg(long)]
        tenant: Option<String>,
    },
}

const PATH: &str = "/api/v1/projects";

impl Run for Projects {
    fn run(self, context: &Context) -> Done {
        match self.act {
            None => {
                let answer = context.client.get(PATH)?;
                let all = list(&answer)?;
                context.print(&answer, |lang| shown(lang, all))?;
            }
            Some(Act::New { slug, name, contract, tenant }) => {
                let body = json!({ "slug": slug, "name": name, "contract": contract, "tenant": tenant });
                let answer = context.client.post(PATH, &body)?;
                context.print(&answer, |lang| shown(lang, std::slice::from_ref(&answer)))?;
            }
            Some(Act::Contract { slug, contract, tenant }) => {
                let id = find(context, &slug, tenant.as_deref())?;
                let path = format!("{PATH}/{}", part(&id));
                let answer = context.client.patch(&path, &json!({ "contract": contract }))?;
                context.print(&answer, |lang| shown(lang, std::slice::from_ref(&answer)))?;
            }
        }
        Ok(())
    }
}

fn find(context: &Context, slug: &str, tenant: Option<&str>) -> Result<String, Failure> {
    let all = context.client.get(PATH)?;
    let all = list(&all)?;
    let is_it = |project: &&Value| {
        text(project, "slug") == slug && tenant.is_none_or(|tenant| text(project, "tenant_slug") == tenant)
    };
    let found: Vec<&Value> = all.iter().filter(is_it).collect();
    match found[..] {
        [only] => Ok(text(only, "id").to_owned()),
        [] => {
            let message = both(
                format!("没有您可以查看的项目 `{slug}`"),
                format!("there is no project `{slug}` that you may see"),
            );
            let hint = both("`qiantang projects` 列出项目", "`qiantang projects` lists them");
            Err(Failure::refused("not_found", message, hint))
        }
        _ => {
            let tenants: Vec<&str> = found.iter().map(|project| text(project, "tenant_slug")).collect();
            let message = both(
                format!("有多个租户的项目名为 `{slug}`"),
                format!("several tenants have a project `{slug}`"),
            );
            let hint = both(
                format!("请用 --tenant 指明：{}", tenants.join("、")),
                format!("give --tenant: {}", tenants.join(", ")),
            );
            Err(Failure::usage("ambiguous", message, hint))
        }
    }
}

fn shown(lang: Lang, projects: &[Value]) -> String {
    if projects.is_empty() {
        return pick(
            lang,
            "还没有项目。用 qiantang projects new 新建一个。",
            "No projects. Add one with `qiantang projects new`.",
        )
        .into();
    }
    let row = |project: &Value| {
        ["slug", "name", "tenant_slug", "contract_number"].map(|key| text(project, key).to_owned()).to_vec()
    };
    let titles = match lang {
        Lang::Zh => ["项目", "名称", "租户", "合同"],
        Lang::En => ["project", "name", "tenant", "contract"],
    };
    table(&titles, projects.iter().map(row).collect(), titles.len())
}
