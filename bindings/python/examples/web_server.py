# SPDX-License-Identifier: MIT
"""A server that gives a browser its client secret: POST /client-secret. Ends at SIGTERM.

web_server.py [OPTION VALUE]..; the API key is in EXAMPLE_TOKEN.
"""

import json
import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import plastiq

client = plastiq.Client(dict(zip(sys.argv[1::2], sys.argv[2::2])), access_token=os.environ["EXAMPLE_TOKEN"])


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        if self.path != "/client-secret":
            self.send_error(404)
            return
        try:
            created = client.client_secrets.create(user_agent=self.headers.get("User-Agent"), end_user_ip=self.client_address[0])
        except plastiq.Error as error:
            print(f"{error.status_name} {error.trace_id}: {error}", file=sys.stderr)
            self.send_error(503)
            return
        with created, created.client_secret.revealed() as data:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            # JSON needs a str, and sockets bytes: these copies are Python's, and cannot be wiped.
            self.wfile.write(json.dumps({"clientSecret": data.decode()}).encode())

    def log_message(self, *_: object) -> None:
        """Quiet."""


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
server.server_close()
client.close()
