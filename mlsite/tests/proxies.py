"""A proxy with the configuration that mlsite ships, for tests."""

from __future__ import annotations

import subprocess
from pathlib import Path

from mlsite.tests.site import ROOT

NGINX_MAIN = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/mlsite.conf;
}}
"""


def write_nginx_files(folder: Path, *, http_port: int, https_port: int, site_port: int) -> Path:
    """Write the shipped configuration with other ports and a new certificate. Return the main file."""
    certificate, key = folder / "site.pem", folder / "site.key"
    options = [
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "1",
        "-subj",
        "/CN=127.0.0.1",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
    ]
    command = ["openssl", "req", "-x509", *options, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    text = (ROOT / "deploy" / "nginx" / "mlsite.conf").read_text()
    for old, new in {
        "listen [::]:80;": "",
        "listen [::]:443 ssl;": "",
        "listen 80;": f"listen 127.0.0.1:{http_port};",
        "listen 443 ssl;": f"listen 127.0.0.1:{https_port} ssl;",
        "127.0.0.1:8000": f"127.0.0.1:{site_port}",
        "mlsite.example.org": "127.0.0.1",
        "/etc/ssl/certs/mlsite.pem": str(certificate),
        "/etc/ssl/private/mlsite.key": str(key),
    }.items():
        assert old in text
        text = text.replace(old, new)
    (folder / "mlsite.conf").write_text(text)
    (folder / "nginx.conf").write_text(NGINX_MAIN.format(folder=folder))
    return folder / "nginx.conf"
