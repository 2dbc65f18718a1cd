# SPDX-License-Identifier: MIT
"""One nginx on loopback, with a throwaway CA: what every program of the benchmark talks to."""
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

SECRET = "cs_test_2f8d1b7a4c9e4f03a6b5d8e1c7f20394"

# One worker, connections that live as long as anyone wants, and an answer that is made from the configuration: nginx is to cost as little as
# it can. The port `seen` is for looking at requests, and is never measured.
CONFIGURATION = """
worker_processes 1;
{user}
{affinity}
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 3600s;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  ssl_certificate {folder}/server.pem;
  ssl_certificate_key {folder}/server.key;
  ssl_protocols TLSv1.3;
  default_type application/json;
  add_header Trace-Id $http_trace_id;
  log_format seen '$connection $connection_requests $server_protocol $ssl_protocol $ssl_cipher $request_length $status $request_method $uri';
  server {{
    listen 127.0.0.1:{h1} ssl backlog=4096;
    location = /api/client-secrets {{ return 200 '{{"clientSecret":"{secret}"}}'; }}
  }}
  server {{ # no tickets: each handshake is a full one
    listen 127.0.0.1:{full} ssl backlog=4096;
    ssl_conf_command NumTickets 0;
    location = /api/client-secrets {{ return 200 '{{"clientSecret":"{secret}"}}'; }}
  }}
  # `return` does not wait for the body, and over HTTP/2 its answer can be faster than that: a client may take this for a failure, and libcurl
  # 7.88 does. Something that is passed on is read first.
  server {{
    listen unix:{folder}/behind.sock;
    location = /api/client-secrets {{ return 200 '{{"clientSecret":"{secret}"}}'; }}
  }}
  upstream behind {{
    server unix:{folder}/behind.sock;
    keepalive 1024;
  }}
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_hide_header Trace-Id;
  server {{
    listen 127.0.0.1:{h2} ssl http2 backlog=4096;
    http2_max_concurrent_streams 1024;
    location = /api/client-secrets {{ proxy_pass http://behind; }}
  }}
  server {{
    listen 127.0.0.1:{seen} ssl;
    access_log {folder}/seen.log seen;
    location = /api/client-secrets {{ return 200 '{{"clientSecret":"{secret}"}}'; }}
  }}
  server {{
    listen 127.0.0.1:{seen2} ssl http2;
    http2_max_concurrent_streams 1024;
    access_log {folder}/seen.log seen;
    location = /api/client-secrets {{ proxy_pass http://behind; }}
  }}
}}
"""

PORTS = ("h1", "full", "h2", "seen", "seen2")


def free_ports(count):
    """Ports on which nothing listens now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def make_certificates(folder):
    """A CA and a certificate for 127.0.0.1 and localhost, ECDSA on P-256."""

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, stdin=subprocess.DEVNULL, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=libplastiq benchmark CA",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    openssl("req", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=libplastiq benchmark")
    (folder / "server.ext").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\nbasicConstraints=critical,CA:FALSE\n"
                                       "keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "server.ext",
            "-out", "server.pem")


class Server:
    """nginx, from __enter__ to __exit__. `cpu`: the processor that its worker stays on, or None."""

    def __init__(self, folder, cpu=None):
        self.folder = Path(folder)
        self.cpu = cpu
        self.ca_file = self.folder / "ca.pem"
        self.ports = {}
        self.process = None
        self.told = 0  # bytes of the log

    def __enter__(self):
        make_certificates(self.folder)
        self.ports = dict(zip(PORTS, free_ports(len(PORTS))))
        # As root, nginx would give its worker to nobody, who may not look into our folder.
        user = "user root;" if os.geteuid() == 0 else ""
        affinity = f"worker_cpu_affinity {1 << self.cpu:b};" if self.cpu is not None else ""
        configuration = self.folder / "nginx.conf"
        configuration.write_text(CONFIGURATION.format(user=user, affinity=affinity, folder=self.folder, secret=SECRET, **self.ports))
        self.process = subprocess.Popen(["nginx", "-p", self.folder, "-c", configuration, "-e", self.folder / "error.log"],
                                        stdin=subprocess.DEVNULL, env=os.environ | {"PATH": os.environ["PATH"] + ":/usr/sbin"})
        self._wait()
        return self

    def _wait(self):
        for _ in range(200):
            try:
                for port in self.ports.values():
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.05)
        log = self.folder / "error.log"
        self.__exit__()
        raise RuntimeError("nginx does not start: " + (log.read_text() if log.exists() else ""))

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(10)

    def seen(self):
        """What reached the port `seen` since the last time, as maps."""
        log = self.folder / "seen.log"
        names = "connection requests protocol tls cipher length status method path".split()
        text = log.read_bytes()[self.told :] if log.exists() else b""
        text = text[: text.rfind(b"\n") + 1]  # what is written meanwhile is for the next time
        self.told += len(text)
        return [dict(zip(names, line.split())) for line in text.decode().splitlines()]
