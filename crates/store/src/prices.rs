//! Price books.

use domain::{PriceBookId, price::PriceBook};

use crate::db::{Record, StoreError, Tx, params, rows, statements};

rows! { price_book: PriceBook = id, name, effective_from, prices as json, waivers as json }

statements! { "price_books", unique: { "price_books.name": "a price book with this name" };
    INSERT = price_book!(insert into "price_books");
    GET = concat!("SELECT ", price_book!(columns), " FROM price_books WHERE id = ?1");
    LIST = concat!("SELECT ", price_book!(columns), " FROM price_books ORDER BY effective_from, id");
}

pub fn insert_price_book(tx: &Tx, book: &PriceBook) -> Result<(), StoreError> {
    book.insert(tx, INSERT)
}

pub fn get_price_book(tx: &Tx, id: PriceBookId) -> Result<PriceBook, StoreError> {
    tx.get(GET, &id, PriceBook::read)
}

/// All price books, in the order in which they take effect.
pub fn list_price_books(tx: &Tx) -> Result<Vec<PriceBook>, StoreError> {
    tx.all(LIST, params![], PriceBook::read)
}
