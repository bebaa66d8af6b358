# Roles

roles-may = What each role may do
roles-may-text = as the policies have it
right = May
right-submit = submit jobs
right-stop = stop jobs
right-see_work = see which jobs there are, how they stand and what they cost
right-see_content = open scripts, environments and logs
right-see_account = see members, projects, contracts and use
right-see_money = see statements, entries and debts
right-ask_invoices = request invoices
right-draw_up = draw up contracts, ask for amendments
right-administer = manage members and projects
right-see_audit = read the audit log
right-see_center = see the whole center
right-keep_contracts = decide contracts and amendments
right-keep_budgets = set budgets
right-keep_money = book payments and corrections, close months
right-run_center = manage nodes, tenants, prices and alliances
right-see_vouchers = see vouchers and claims with their evidence
right-claim_vouchers = apply for vouchers and claim them
right-audit_claims = audit claims on vouchers
right-pay_claims = pay claims on vouchers
