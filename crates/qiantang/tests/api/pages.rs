//! Lists come in pages.

use testkit::job;

use crate::scene::alpha_alone;

#[test]
fn pages_add_up_newest_first() {
    let (site, alpha) = alpha_alone();
    for n in 0..9 {
        site.submit(&alpha, &job(&format!("page-{n}"), "true"));
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = site.get(&format!("/api/v1/jobs?limit=3&cursor={cursor}"), &alpha.developer);
        let jobs = page["items"].as_array().expect("items").iter();
        seen.extend(jobs.map(|job| job["id"].as_str().expect("an id").to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!(seen.len(), 9);
    assert!(seen.is_sorted_by(|a, b| a > b), "newest first, none twice: {seen:?}");
}
