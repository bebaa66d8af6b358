//! The table of roots beside the file of roots, row by row.

use store::chain::{self, Given};

use super::{
    books::{books, tamper},
    told,
};

/// A change of the table of roots, its SQL, and the faults that must be told: code, number, and a part of the words.
type RootsChanged = (&'static str, &'static str, &'static [(&'static str, &'static str, &'static str)]);

const ROOTS_CHANGED: &[RootsChanged] = &[
    (
        "the first removed, the rest renumbered with their lines",
        "DELETE FROM roots WHERE number = 1; UPDATE roots SET number = 1, line = replace(line, 'number 2', 'number 1');",
        &[
            ("root_missing", "1", "day 2022-05-20 of "),
            ("root_differs", "1", "month 2022-05 of 2022-05-20T10:30:00.000Z: it is number 2 in the file"),
        ],
    ),
    (
        "the first removed, the rest renumbered",
        "DELETE FROM roots WHERE number = 1; UPDATE roots SET number = 1;",
        &[("root_missing", "1", "day 2022-05-20 of "), ("root_differs", "1", "month 2022-05 of ")],
    ),
    (
        "the last removed",
        "DELETE FROM roots WHERE number = 2;",
        &[("root_missing", "2", "month 2022-05 of 2022-05-20T10:30:00.000Z: the file has it")],
    ),
    (
        "one more",
        "INSERT INTO roots SELECT 3, link, at, 'day 2022-05-21', replace(replace(line, 'number 2', 'number 3'), \
         'month 2022-05', 'day 2022-05-21'), NULL FROM roots WHERE number = 2;",
        &[("root_missing", "3", "day 2022-05-21 of 2022-05-20T10:30:00.000Z: the file of roots lacks it")],
    ),
    (
        "one changed",
        "UPDATE roots SET occasion = 'day 2022-05-19', line = replace(line, 'day 2022-05-20', 'day 2022-05-19') \
         WHERE number = 1;",
        &[(
            "root_differs",
            "1",
            "day 2022-05-19 of 2022-05-20T10:30:00.000Z: the file has another, day 2022-05-20",
        )],
    ),
    (
        "a column changed",
        "UPDATE roots SET at = at + 1000000 WHERE number = 2;",
        &[("root_differs", "2", "month 2022-05 of ")],
    ),
    (
        "exchanged",
        "UPDATE roots SET number = 3 WHERE number = 1; UPDATE roots SET number = 1 WHERE number = 2; \
         UPDATE roots SET number = 2 WHERE number = 3;",
        &[
            ("root_differs", "1", "it is number 2 in the file"),
            ("root_differs", "2", "it is number 1 in the file"),
        ],
    ),
];

#[test]
fn the_table_of_roots_is_the_file_row_by_row() {
    let books = books();
    for (name, sql, wanted) in ROOTS_CHANGED {
        let copy = books.copy(&name.replace([' ', ','], "-"));
        tamper(&copy, sql);
        let tx = store::db::open_copy(&copy).unwrap();
        let file = Some(books.roots.as_str());
        let report = chain::verify(&tx, Given { file, key: None }).unwrap();
        for (code, number, words) in *wanted {
            let is_it = |fault: &&chain::Fault| {
                (fault.code.code(), fault.table.as_str(), fault.id.as_str()) == (*code, "roots", *number)
                    && fault.detail.en.contains(words)
            };
            let found = report.faults.iter().find(is_it);
            assert!(found.is_some(), "{name}: {code} {number} {words} is not among {:#?}", report.faults);
        }
    }
    let copy = books.copy("file-in-another-order");
    let (first, second) = books.roots.trim_end().split_once('\n').unwrap();
    let turned = format!("{second}\n{first}\n");
    let tx = store::db::open_copy(&copy).unwrap();
    let report = chain::verify(&tx, Given { file: Some(&turned), key: Some(books.key.public()) }).unwrap();
    assert_eq!(told(&report), ["root_differs"]);
    assert!(report.faults[0].detail.en.starts_with("1: day 2022-05-20 of "), "{:?}", report.faults);
}
