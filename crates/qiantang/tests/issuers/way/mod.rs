//! The whole way of the public compute service, as different people go it: a stranger's application, its review, a contract that both
//! sides sign, people who sign in by their organisation, a job, a budget that warns, a voucher that pays its share, and the invoice
//! over a closed month. All of it in browsers and by the real command; half of the people read Chinese, half English.

mod center;
mod computing;
mod front_door;
mod joining;
mod month_end;
mod opening;
mod signing;
mod vouching;
mod warning;

use center::Center;

#[test]
fn a_stranger_becomes_a_tenant_computes_and_is_invoiced() {
    let Some(mut center) = Center::new() else { return };
    let Some(mut staff) = opening::play(&center) else { return };
    let Some(applied) = front_door::play(&center, &staff) else { return };
    let contract = signing::play(&mut staff, &applied);
    let Some(people) = joining::play(&center, applied) else { return };
    let hook = warning::prepare(&center, &people, &contract);
    let first = computing::by_the_command(&center, &people);
    warning::play(&center, &people, &hook);
    let voucher = vouching::play(&staff, &people, &contract);
    let second = computing::in_the_browser(&people);
    month_end::play(
        &mut center,
        &staff,
        &people,
        &month_end::Known { contract, voucher, jobs: [first, second] },
    );
}
