//! Filters: `attribute eq "value"`, of the attributes by which directories look somebody up. All others are refused.

use super::wire::Fault;

/// What is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    Id(String),
    UserName(String),
    ExternalId(String),
    Email(String),
    DisplayName(String),
}

/// Reads a filter on users, or on groups.
pub fn read(text: &str, of_users: bool) -> Result<Filter, Fault> {
    let refused = || {
        Fault::bad(
            "invalidFilter",
            "a filter is `ATTRIBUTE eq \"VALUE\"`, with userName, externalId, emails.value, displayName or id of users, \
             displayName, externalId or id of groups",
        )
    };
    let (attribute, rest) = text.trim().split_once(' ').ok_or_else(refused)?;
    let (operator, value) = rest.trim_start().split_once(' ').ok_or_else(refused)?;
    if !operator.eq_ignore_ascii_case("eq") {
        return Err(refused());
    }
    // A JSON text, and nothing behind it.
    let value: String = serde_json::from_str(value.trim()).map_err(|_| refused())?;
    let attribute = attribute.to_lowercase();
    let attribute =
        attribute.strip_prefix("urn:ietf:params:scim:schemas:core:2.0:user:").unwrap_or(&attribute);
    Ok(match attribute {
        "id" => Filter::Id(value),
        "externalid" => Filter::ExternalId(value),
        "displayname" => Filter::DisplayName(value),
        "username" if of_users => Filter::UserName(value),
        "emails.value" | "emails" if of_users => Filter::Email(value),
        _ => return Err(refused()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looked_up_is_read_and_all_else_is_refused() {
        let read = |text: &str| read(text, true).ok();
        assert_eq!(read("userName eq \"lin\""), Some(Filter::UserName("lin".into())));
        assert_eq!(read(" USERNAME  Eq  \"a \\\"b\\\" c\" "), Some(Filter::UserName("a \"b\" c".into())));
        assert_eq!(read("emails.value eq \"a@b\""), Some(Filter::Email("a@b".into())));
        assert_eq!(
            read("urn:ietf:params:scim:schemas:core:2.0:User:externalId eq \"7\""),
            Some(Filter::ExternalId("7".into()))
        );
        for bad in [
            "",
            "userName",
            "userName eq",
            "userName eq lin",
            "userName eq \"a\" and active eq true",
            "userName ne \"a\"",
            "userName sw \"a\"",
            "title eq \"a\"",
            "active eq true",
            "not (userName eq \"a\")",
            "emails[type eq \"work\"]",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert!(super::read("userName eq \"lin\"", false).is_err(), "groups have no such name");
    }
}
