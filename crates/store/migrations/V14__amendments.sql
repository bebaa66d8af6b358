-- What is due no more of fees, found without a look at all entries.
CREATE INDEX transfers_cancelled ON transfers (debit_contract, amount) WHERE cause = 'fee_cancelled';
