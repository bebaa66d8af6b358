# The API as a page.

api-rule = Each operation can be tried out here: it is sent to this center, and does what it says.
api-token = Token
api-token-hint = Requests are sent with this token, and without your session. Make one under “Account and tokens”.
api-send = Send
api-no-answer = no answer
api-topic-jobs = Jobs
api-topic-center = The center: nodes, cards, capacity, health
api-topic-accounts = Accounts: tenants, members, projects, signing in
api-topic-money = Money: contracts, prices, use, statements, the ledger
