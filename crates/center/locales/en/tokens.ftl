# A member's own account: password and tokens.

tokens-text = Programs and the command line use a token to speak for you, with your rights
tokens = Tokens
password-old = Present password
password-new = New password
password-again = New password again
password-change = Change the password
password-changed = The password is changed. Other browsers are signed out, and the tokens from before are revoked.
password-ends = Other browsers are signed out then, and all tokens are revoked.
tokens-none = No tokens yet
tokens-none-text = Sign in with the command line, or make one here.
token-new = New token
token-make = Make a token
token-made = The token is made
token-once = Copy it now: it is not shown again. The center keeps a fingerprint of it alone.
token-use = On the command line:
token-name-hint = Where it is used, such as laptop
token-days = Valid for { $n } days.
made-at = Made
last-used = Last used
expires = Expires
revoke = Revoke
revoke-sure = Revoke this token? Programs that use it stop working at once.
