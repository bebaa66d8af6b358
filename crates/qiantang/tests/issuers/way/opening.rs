//! The center opens: its operator publishes prices, and the others of the center come by invitations in the mail. Each of them has to
//! have a second factor.

use testkit::{Device, PASSWORD, Person};

use super::center::Center;

/// The price of a card-hour in yuan; no charge is a whole number of fen.
pub const RATE: &str = "12.345678";

/// Somebody of the center, with the device of their second factor.
pub struct Officer {
    pub person: Person,
    pub device: Device,
}

/// The center's people: who runs it, who keeps its contracts, and who keeps its money.
pub struct Staff {
    pub operator: Officer,
    pub clerk: Officer,
    pub cashier: Officer,
}

pub fn play(center: &Center) -> Option<Staff> {
    let operator = center.person("operator", "en")?;
    operator.sign_in("operator");
    // Nothing is open before the second factor is.
    operator.open("/prices");
    assert_eq!(operator.path(), "/second-factor", "{}", operator.page());
    let device = operator.enrol();
    operator.open("/prices");
    operator.follow("/prices/new");
    operator.send("/prices/new", "", &[("name", "2026"), ("rate", RATE)]);
    assert!(operator.path().starts_with("/prices/book/"), "{}", operator.page());
    let operator = Officer { person: operator, device };

    let clerk = invited(center, &operator, "clerk", "zh", "contracts")?;
    let cashier = invited(center, &operator, "cashier", "en", "center_finance")?;
    Some(Staff { operator, clerk, cashier })
}

/// Somebody whom the operator invites by mail, and who comes by the link in it.
fn invited(
    center: &Center,
    operator: &Officer,
    login: &'static str,
    lang: &'static str,
    role: &str,
) -> Option<Officer> {
    let email = format!("{login}@center.example");
    operator.person.open("/people");
    operator.person.follow("/people/invitations");
    let invitation = [("tenant", ""), ("email", &*email), ("role", role), ("send", "yes")];
    operator.person.send("/people/invitations", "", &invitation);
    let link = center.link(&center.mail(&email, "invited"), "/join/");
    let person = center.person(login, lang)?;
    person.open(&link);
    person.send("/new", "", &[("new_login", login), ("new_name", login), ("new_password", PASSWORD)]);
    // Where the center asks for a second factor, it leads there.
    assert_eq!(person.path(), "/second-factor", "{}", person.page());
    let device = person.enrol();
    person.follow("/");
    Some(Officer { person, device })
}
