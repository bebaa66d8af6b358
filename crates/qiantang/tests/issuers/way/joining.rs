//! The tenant's people come by the sign-in of their own organisation, where a group says which role they have.

use testkit::Person;

use super::{
    center::{Center, LIN, MEI},
    front_door::Applied,
};
use crate::real::through;

/// The tenant's people.
pub struct People {
    /// Who applied, and administers the tenant.
    pub admin: Person,
    /// Who computes.
    pub lin: Person,
    /// Who keeps the money.
    pub mei: Person,
}

pub fn play(center: &Center, applied: Applied) -> Option<People> {
    let lin = by_own_sign_in(center, LIN, "en")?;
    lin.reads(&["Qianwan AI"]);
    let mei = by_own_sign_in(center, MEI, "zh")?;
    // Nobody of the center or the tenant has done anything for that.
    let admin = applied.admin;
    admin.open("/people");
    admin.reads(&["lin of qianwan", "开发", "mei of qianwan", "财务"]);
    Some(People { admin, lin, mei })
}

/// Signs in by the organisation's button and its own pages.
fn by_own_sign_in(center: &Center, login: &'static str, lang: &'static str) -> Option<Person> {
    let person = center.person(login, lang)?;
    person.open("/sign-in");
    person.leave("/sign-in/oidc/qianwan");
    assert_eq!(through(&person.browser, &center.site, login), "/", "{}", person.page());
    person.open("/");
    Some(person)
}
