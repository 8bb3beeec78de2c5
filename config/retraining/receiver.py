#!/usr/bin/env python3
"""Takes Serin's trigger events, believes only signed ones, and starts whatever trains.

    receiver.py --secret FILE --command ./retrain.sh
    receiver.py --secret FILE --airflow https://airflow.example --dag serin_retrain --token-file TOKEN
    receiver.py --secret FILE --github example/models --token-file TOKEN
    receiver.py --secret FILE --forward http://argo-events.example:12000/serin --token-file TOKEN

    POST ─► signature, age ─► 401      CloudEvent ─► 400      id seen before ─► 200      started ─► 202      failed ─► 502

An event comes at least once: an id that was taken is answered, and starts nothing. What could not be started answers 502,
and Serin sends it again. A command gets the event on standard input and SERIN_EVENT_ID, SERIN_MODEL, SERIN_VERSION,
SERIN_TRIGGER and SERIN_KIND in its environment; one runs at a time.

Python 3.9 or later, nothing else. TLS is a proxy's business here, or of --certificate and --key.
"""

import argparse
import base64
import hashlib
import hmac
import json
import os
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import OrderedDict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BODY_BYTES = 1 << 20
#: How old a signature may be, in seconds: an event that somebody has recorded cannot be played for ever.
TOLERANCE = 300
IDS = 10_000


class Refused(Exception):
    def __init__(self, status, reason):
        super().__init__(reason)
        self.status = status


def keys(path):
    """The secrets of a file, one a line: whsec_ and base64."""
    return [base64.b64decode(line.strip().removeprefix("whsec_")) for line in Path(path).read_text().split()]


def verify(headers, body, secrets, now):
    """Throws unless one of the signatures is by one of the secrets, over this body, and fresh."""
    identifier, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not identifier or not stamp.isdigit() or abs(now - int(stamp)) > TOLERANCE:
        raise Refused(401, "no webhook-id, or a webhook-timestamp that is not of these minutes")
    signed = f"{identifier}.{stamp}.".encode() + body
    wanted = ["v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in secrets]
    found = headers.get("webhook-signature", "").split()
    if not any(hmac.compare_digest(one.encode(), other.encode()) for one in found for other in wanted):
        raise Refused(401, "no signature is by this receiver's secret")


def event_of(headers, body):
    """The CloudEvent, structured JSON; only triggers' are taken."""
    if not headers.get("content-type", "").startswith("application/cloudevents+json"):
        raise Refused(400, "expected a structured CloudEvent")
    try:
        event = json.loads(body)
        is_ours = event["specversion"] == "1.0" and event["type"].startswith("dev.serin.trigger.")
        event["id"], event["data"]["model"], event["data"]["version"]
    except (ValueError, KeyError, TypeError):
        raise Refused(400, "expected a CloudEvent 1.0 of a trigger") from None
    if not is_ours or headers.get("webhook-id") != event["id"]:
        raise Refused(400, "expected a CloudEvent 1.0 of a trigger, under its own id")
    return event


class Command:
    """A process of this machine, one at a time, in the order of the events."""

    def __init__(self, command):
        self.command, self.turn = command, threading.Lock()

    def start(self, event):
        threading.Thread(target=self._run, args=(event,), daemon=True).start()

    def _run(self, event):
        data = event["data"]
        environment = {
            **os.environ, "SERIN_EVENT_ID": event["id"], "SERIN_MODEL": data["model"], "SERIN_VERSION": data["version"],
            "SERIN_TRIGGER": data.get("trigger", ""), "SERIN_KIND": data.get("kind", "")}
        with self.turn:
            done = subprocess.run(self.command, input=json.dumps(event).encode(), env=environment, check=False)
        say(f"{event['id']}: the command ended with {done.returncode}")


class Call:
    """Somebody else's API: `shape` makes of an event what it expects."""

    def __init__(self, url, token_file, shape, taken=()):
        self.url, self.token_file, self.shape, self.taken = url, token_file, shape, taken

    def start(self, event):
        headers = {"Content-Type": "application/json", "User-Agent": "serin-receiver"}
        if self.token_file:
            headers["Authorization"] = f"Bearer {Path(self.token_file).read_text().strip()}"
        request = urllib.request.Request(self.url, json.dumps(self.shape(event)).encode(), headers)
        try:
            urllib.request.urlopen(request, timeout=8).close()
        except urllib.error.HTTPError as error:
            if error.code not in self.taken:
                raise Refused(502, f"{self.url} answered {error.code}") from None
        except OSError as error:
            raise Refused(502, f"{self.url}: {error}") from None


def target(options):
    if options.command:
        return Command(options.command)
    if options.airflow:
        # The event's id is the run's: Airflow itself refuses a second one (409), which is as good.
        return Call(
            f"{options.airflow.rstrip('/')}/api/v2/dags/{options.dag}/dagRuns", options.token_file,
            lambda event: {"dag_run_id": event["id"], "logical_date": None, "conf": event}, taken=(409,))
    if options.github:
        return Call(
            f"https://api.github.com/repos/{options.github}/dispatches", options.token_file,
            lambda event: {"event_type": "serin-retrain", "client_payload": {"event": event}})
    return Call(options.forward, options.token_file, lambda event: event)


class Receiver(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address, secret_file, starter):
        self.secret_file, self.starter = secret_file, starter
        self.seen, self.turn = OrderedDict(), threading.Lock()
        super().__init__(address, Handler)

    def take(self, headers, body):
        """The status to answer with."""
        verify(headers, body, keys(self.secret_file), time.time())
        event = event_of(headers, body)
        with self.turn:
            if event["id"] in self.seen:
                return 200
            self.starter.start(event)
            self.seen[event["id"]] = None
            if len(self.seen) > IDS:
                self.seen.popitem(last=False)
        say(f"{event['id']}: {event['data'].get('reason', '')}")
        return 202


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10

    def do_POST(self):
        try:
            length = int(self.headers.get("content-length") or -1)
            if not 0 <= length <= BODY_BYTES:
                raise Refused(413, "the body is too large, or does not say how large it is")
            status, reason = self.server.take(self.headers, self.rfile.read(length)), "ok"
        except Refused as refusal:
            status, reason = refusal.status, str(refusal)
            say(f"refused with {status}: {reason}")
        body = (reason + "\n").encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *_):
        pass


def say(line):
    print(line, file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--secret", required=True, help="the file of secrets that the trigger's configuration names")
    parser.add_argument("--listen", default="127.0.0.1:9080", help="address:port; port 0 takes a free one and says it")
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    parser.add_argument("--token-file", help="a bearer token for --airflow, --github and --forward")
    parser.add_argument("--dag", default="serin_retrain")
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--command", nargs="+", metavar="WORD")
    choice.add_argument("--airflow", metavar="URL")
    choice.add_argument("--github", metavar="OWNER/REPOSITORY")
    choice.add_argument("--forward", metavar="URL", help="the event as it is, to a trusted listener such as Argo Events")
    options = parser.parse_args()
    if not keys(options.secret):
        parser.error(f"{options.secret} is empty")
    host, _, port = options.listen.rpartition(":")
    server = Receiver((host, int(port)), options.secret, target(options))
    if options.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.certificate, options.key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    say(f"listening on {host}:{server.server_port}")
    server.serve_forever()


if __name__ == "__main__":
    main()
