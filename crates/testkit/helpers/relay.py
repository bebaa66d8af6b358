"""A mail server for tests: it keeps each mail as JSON, read by Python's own parser.

    relay.py PORT FOLDER [CERTIFICATE KEY]

With a certificate it asks for STARTTLS, and for a user with a password.
"""

import json
import os
import signal
import ssl
import sys
from email import message_from_bytes
from email.policy import default

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

port, folder = int(sys.argv[1]), sys.argv[2]


def part(message, kind):
    for one in message.walk():
        if one.get_content_type() == kind:
            return one.get_content()
    return None


class Keeper:
    count = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 no such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = message_from_bytes(envelope.content, policy=default)
        kept = {
            "to": envelope.rcpt_tos[0],
            "type": message.get_content_type(),
            "headers": {name.lower(): str(value) for name, value in message.items()},
            "text": part(message, "text/plain"),
            "html": part(message, "text/html"),
            "tls": session.ssl is not None,
            "user": session.auth_data.login.decode() if session.authenticated else None,
        }
        Keeper.count += 1
        name = os.path.join(folder, f"{Keeper.count:04}.json")
        with open(name + ".new", "w", encoding="utf-8") as out:
            json.dump(kept, out)
        os.rename(name + ".new", name)
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    ok = isinstance(data, LoginPassword) and (data.login, data.password) == (b"center", b"of-the-relay")
    return AuthResult(success=ok, auth_data=data if ok else None)


more = {}
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[3], sys.argv[4])
    more = dict(tls_context=context, require_starttls=True, authenticator=authenticate, auth_required=True)
controller = Controller(Keeper(), hostname="127.0.0.1", port=port, **more)
controller.start()
print("ready", flush=True)
signal.sigwait({signal.SIGTERM, signal.SIGINT})
