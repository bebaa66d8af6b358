"""A receiver of webhooks for tests, which looks at each with the official verifier.

    receiver.py FOLDER

The file `secrets` in the folder has a secret a line; each request is kept as JSON with the secrets that it is signed by.
"""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from standardwebhooks.webhooks import Webhook

folder = sys.argv[1]
count = 0


def is_signed_by(secret, body, headers):
    try:
        Webhook(secret).verify(body, headers)
        return True
    except Exception:
        return False


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        global count
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        with open(os.path.join(folder, "secrets"), encoding="utf-8") as given:
            secrets = given.read().split()
        by = [secret for secret in secrets if is_signed_by(secret, body, headers)]
        count += 1
        name = os.path.join(folder, f"{count:04}.json")
        with open(name + ".new", "w", encoding="utf-8") as out:
            json.dump({"id": headers["webhook-id"], "body": json.loads(body), "by": by}, out)
        os.rename(name + ".new", name)
        self.send_response(204 if by else 401)
        self.end_headers()

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Receiver)
print(server.server_port, flush=True)
server.serve_forever()
