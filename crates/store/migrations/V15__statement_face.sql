-- Whom statements are made out to, as it is registered; empty where nobody said.
ALTER TABLE tenants ADD COLUMN legal_name TEXT NOT NULL DEFAULT '';
-- The unified social credit code; empty where there is none or nobody said.
ALTER TABLE tenants ADD COLUMN tax_number TEXT NOT NULL DEFAULT '' CHECK (tax_number = '' OR length(tax_number) = 18);
-- A tax number of another kind, where there is no such code.
ALTER TABLE tenants ADD COLUMN other_tax_number TEXT NOT NULL DEFAULT '' CHECK (tax_number = '' OR other_tax_number = '');
