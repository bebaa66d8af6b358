# First steps

first-steps = First steps
first-steps-text = once all are done, the tenant can submit jobs
first-step-done = Done
first-step-open = To do
first-step-go = Go there
first-step-node = Nodes
first-step-text-node = List nodes under [[pools]] in the settings, then start the center again.
first-step-person = A second person
first-step-text-person = Duties are separate: who draws a contract up doesn't approve it. Add somebody with the role Contracts or Operator, or set books.separate_duties = false.
first-step-tenant = Tenant
first-step-text-tenant = Sign up the company, university or department that is to compute here.
first-step-contract = Contract
first-step-text-contract = Say which pools, how many cards, at what price and until when; then submit, approve and activate it.
first-step-price = Prices
first-step-text-price = Publish what a card-hour costs in each pool, in yuan; metered contracts need prices.
first-step-member = Member
first-step-text-member = Add a member of the tenant who may submit jobs, with a first password.
first-step-project = Project
first-step-text-project = Add a project of the tenant, and say which contract pays for it.
