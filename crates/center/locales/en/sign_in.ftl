# Signing in.

gate-title = Compute like a tide, every card-hour accounted for
gate-text = Public AI compute for companies, universities and government departments: submit work, see why it waits, pay by the card-hour.
gate-forgot = Forgot the password
gate-account = With the account that the center or your tenant's administrator gave you.
gate-welcome = About the center, prices, how to apply
api-and-cli = API and command line
sign-in-wrong = Wrong login or password.
