# Programs that sign in by a browser.

action-answer_device = Let a program in by a browser, or refuse to
detail-machine = machine
detail-from-address = from
detail-is-allowed = let in
device = Let a program in
device-type = The program's code
device-text = A program that signs in by your browser shows a code. Type it here to see who asks.
device-code = Code
device-code-hint = Eight letters, as the program shows them.
device-look = See who asks
device-asks = This program asks to sign in as you
device-program = Program
device-client-qiantang = Qiantang command line
device-machine = It says it is on
device-asked = Asked
device-beware = Go on only if you have just started this program yourself, and it shows this same code. Whoever sends you a code gets into your account by it.
device-as = Sign in as
device-as-hint = The token has the rights of this member.
device-allow = Let it in
device-deny = Refuse
device-allowed = The program is let in. You can close this page.
device-tokens = Its token is among yours, where you can end it.
device-denied = The program is refused.
