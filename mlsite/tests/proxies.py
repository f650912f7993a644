"""Proxies with the configuration that mlsite ships, for tests."""

from __future__ import annotations

import subprocess
from pathlib import Path

from mlsite.tests.site import ROOT

NGINX = ROOT / "deploy" / "nginx"
CADDYFILE = ROOT / "deploy" / "caddy" / "Caddyfile"
CADDY_OPTIONS = """{{
	admin off
	http_port {http_port}
	https_port {https_port}
	storage file_system {folder}/caddy
"""
NGINX_MAIN = """
daemon off;
{user}
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
CERTIFICATE_OPTIONS = ["-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1"]


def write_certificate(folder: Path) -> tuple[Path, Path]:
    """Write a new certificate for 127.0.0.1. Return the files of the certificate and of its key."""
    certificate, key = folder / "site.pem", folder / "site.key"
    options = [*CERTIFICATE_OPTIONS, "-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", *options, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


def write_caddyfile(folder: Path, *, http_port: int, https_port: int, site_port: int, path: str = "") -> Path:
    """Write the shipped configuration with other ports and a new certificate. Return the file.

    Args:
        path: the path of the site below its host.
    """
    certificate, key = write_certificate(folder)
    text = CADDYFILE.read_text()
    ports = {"http_port": http_port, "https_port": https_port}
    start, end = f"127.0.0.1 {{\n\ttls {certificate} {key}\n", "}\n"
    if path:
        start, end = f"{start}handle_path {path}/* {{\n", f"}}\n{end}"
    for old, new in {
        "\n{\n": f"\n{CADDY_OPTIONS.format(folder=folder, **ports)}",
        "mlsite.example.org {\n": start,
        "reverse_proxy 127.0.0.1:8000 {": f"reverse_proxy 127.0.0.1:{site_port} {{",
    }.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    (folder / "Caddyfile").write_text(text.removesuffix("}\n") + end)
    return folder / "Caddyfile"


def write_nginx_files(
    folder: Path,
    *,
    http_port: int,
    https_port: int,
    site_port: int,
    site_host: str = "127.0.0.1",
    media: Path | None = None,
    user: str = "",
) -> Path:
    """Write the shipped configuration with other ports and a new certificate. Return the main file.

    The server block includes the configuration of a site below a path, too.

    Args:
        media: the folder of uploaded files.
        user: directive that names the user of the worker processes.
    """
    certificate, key = write_certificate(folder)
    (folder / "sub-path.conf").write_text((NGINX / "sub-path.conf").read_text())
    text = (NGINX / "mlsite.conf").read_text()
    for old, new in {
        "listen [::]:80;": f"listen [::1]:{http_port};",
        "listen [::]:443 ssl;": f"listen [::1]:{https_port} ssl;",
        "listen 80;": f"listen 127.0.0.1:{http_port};",
        "listen 443 ssl;": f"listen 127.0.0.1:{https_port} ssl;",
        "127.0.0.1:8000": f"{site_host}:{site_port}",
        "mlsite.example.org": "127.0.0.1",
        "/etc/ssl/certs/mlsite.pem": str(certificate),
        "/etc/ssl/private/mlsite.key": f"{key};\n    include {folder}/sub-path.conf",
        "/var/lib/mlsite-media/": f"{media or folder}/",
    }.items():
        assert old in text
        text = text.replace(old, new)
    (folder / "mlsite.conf").write_text(text)
    (folder / "nginx.conf").write_text(NGINX_MAIN.format(folder=folder, user=user))
    return folder / "nginx.conf"
