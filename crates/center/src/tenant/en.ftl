# Tenants

nav-tenants = Tenants
action-read_tenant = See tenants
action-manage_tenant = Manage tenants
tenants-all = All tenants
tenants-none = No tenants yet
tenants-none-text = Sign a tenant up, then draw up its contract, publish prices, and add its members and projects.
tenant-domain = Domain
tenant-since = Since
tenant-jobs = Jobs not ended
tenant-sign-up = Sign a tenant up
tenant-slug = Short name
tenant-name-zh = Chinese name
tenant-name-en = English name
tenant-alliance = Alliance
tenant-alliance-hint = The alliance's short name; left empty for none
tenant-payer = On statements
tenant-legal-name = Registered name
tenant-legal-name-hint = Whom statements are made out to. Statements that were given out stay as they are.
tenant-tax-number = Unified social credit code
tenant-tax-number-hint = 18 characters; the last is a check digit
tenant-other-tax-number = Other tax number
tenant-other-tax-number-hint = Only where there is no unified social credit code, such as abroad
tenant-payer-save = Save
tenant-not-said = not given
