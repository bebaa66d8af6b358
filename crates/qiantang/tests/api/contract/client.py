"""Uses the client that openapi-python-client has made of the document, as a user's own program would."""

import sys
import time

from qiantang_client import AuthenticatedClient, Client
from qiantang_client.api.accounts import get_me, post_login
from qiantang_client.api.jobs import get_jobs, get_jobs_id, post_jobs
from qiantang_client.models import JobSpec, Problem, SignIn

url, name, password = sys.argv[1:]

signed_out = Client(base_url=url)
token = post_login.sync(client=signed_out, body=SignIn(login=name, password=password)).token
refused = post_login.sync(client=signed_out, body=SignIn(login=name, password="not the password"))
assert isinstance(refused, Problem) and refused.code == "wrong_password", refused

client = AuthenticatedClient(base_url=url, token=token)
assert get_me.sync(client=client).login == name

job = post_jobs.sync(client=client, body=JobSpec(name="by-a-client", script="#!/bin/sh\nexit 3\n"))
deadline = time.monotonic() + 60
while (seen := get_jobs_id.sync(job.id, client=client)).state not in ("succeeded", "failed"):
    assert time.monotonic() < deadline, seen
    time.sleep(0.05)
assert (seen.state, seen.exit_code) == ("failed", 3), seen

listed = get_jobs.sync(client=client)
assert [each.id for each in listed.items] == [job.id], listed

wrong = post_jobs.sync(client=client, body=JobSpec(name="", script="no script"))
assert isinstance(wrong, Problem) and {place.field for place in wrong.errors} >= {"name", "script"}, wrong
