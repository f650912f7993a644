"""Code that verifies the requests of webhooks, for the page that shows a secret."""

from __future__ import annotations

from typing import NamedTuple

PYTHON = """
# pip install standardwebhooks
import os

from standardwebhooks import Webhook

event = Webhook(os.environ["WEBHOOK_SECRET"]).verify(body, headers)
"""
JAVASCRIPT = """
// npm install standardwebhooks
import { Webhook } from "standardwebhooks";

const event = new Webhook(process.env.WEBHOOK_SECRET).verify(body, headers);
"""


class Snippet(NamedTuple):
    """Code in one language."""

    language: str
    code: str


SNIPPETS = [Snippet("Python", PYTHON.strip()), Snippet("JavaScript", JAVASCRIPT.strip())]
