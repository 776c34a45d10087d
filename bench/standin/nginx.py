"""nginx as a fixed answer (the chat upstream) and as a hop (what passing a request on costs at the very least)."""

from __future__ import annotations

import os
from pathlib import Path

from bench.standin.answers import gemini_answer, openai_answer

_FRAME = """
daemon off;
{user}
worker_processes 1;
pid {run_dir}/{name}.pid;
error_log {run_dir}/{name}.error.log error;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    keepalive_timeout 3600s;
    keepalive_requests 1000000000;
    client_body_temp_path {run_dir}/{name}.body;
    proxy_temp_path {run_dir}/{name}.proxy;
    fastcgi_temp_path {run_dir}/{name}.fastcgi;
    uwsgi_temp_path {run_dir}/{name}.uwsgi;
    scgi_temp_path {run_dir}/{name}.scgi;
    client_max_body_size 0;
    client_body_buffer_size 1m;
    default_type application/json;
{servers}
}}
"""


def answering(run_dir: Path, port: int, uploads_port: int) -> list[str]:
    """The command of an upstream that gives every chat the same answer; files go on to the upload stand-in."""
    server = f"""
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{ return 200 '{gemini_answer().decode()}'; }}
        location /v1/chat/completions {{ return 200 '{openai_answer().decode()}'; }}
        location ~ ^(/v1beta)?/(upload/v1beta|v1beta/files) {{
            proxy_pass http://127.0.0.1:{uploads_port};
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Connection "";
            proxy_request_buffering off;
        }}
    }}"""
    return _command(run_dir, "standin-chat", server)


def hop(run_dir: Path, port: int, upstream_port: int) -> list[str]:
    """The command of a proxy with one worker, kept connections, and requests and answers buffered as by default.

    Streams are not held back; a request body that does not fit into memory goes to a file first.
    """
    servers = f"""
    upstream standin {{ server 127.0.0.1:{upstream_port}; keepalive 256; keepalive_requests 1000000000; }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            proxy_pass http://standin;
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Connection "";
            proxy_request_buffering on;
            proxy_read_timeout 600s;
        }}
        location ~ stream {{
            proxy_pass http://standin;
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Connection "";
            proxy_buffering off;
            proxy_read_timeout 600s;
        }}
    }}"""
    return _command(run_dir, "nginx-hop", servers)


def _command(run_dir: Path, name: str, servers: str) -> list[str]:
    config = run_dir / f"{name}.conf"
    config.write_text(
        _FRAME.format(user="user root;" if os.geteuid() == 0 else "", run_dir=run_dir, name=name, servers=servers)
    )
    return ["nginx", "-e", str(run_dir / f"{name}.error.log"), "-p", str(run_dir), "-c", str(config)]
