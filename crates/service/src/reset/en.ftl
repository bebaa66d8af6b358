# Another password by mail.

action-reset_password = Set another password by mail
forgot-title = Forgot the password
forgot-text = Give the e-mail address of your account. A link by which you set another password is sent there.
forgot-no-mail = The center sends no mail. Your administrator, or the center's operators, set another password.
forgot-send = Send the link
forgot-sent = If an account has that address, a link is on its way there.
forgot-sent-text = It is good for an hour, and once.
reset-title = Another password
reset-hint = All browsers and tokens of the account are signed out.
reset-again = The password again
reset-differ = The two are not the same
reset-save = Set the password
