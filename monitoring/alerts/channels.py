"""The channels of notifications: email, and a webhook whose body Slack and Mattermost accept."""

from __future__ import annotations

import json
import socket
import threading
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from time import monotonic
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.core.mail import EmailMessage

from monitoring.models import AlertNotification

Channel = AlertNotification.Channel
WEBHOOK_SECONDS = 10.0  # for the whole exchange
MAX_SECTION_CHARACTERS = 2900  # of a block; Slack rejects more than 3,000
CONNECTIONS = {"http": HTTPConnection, "https": HTTPSConnection}
# mrkdwn, https://docs.slack.dev/messaging/formatting-message-text
ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


class DeliveryError(Exception):
    """A notification was not delivered. The message does not contain the URL of the webhook, which is a secret."""


def list_channels() -> list[Channel]:
    """Return the channels that the settings configure."""
    channels = {Channel.EMAIL: settings.ALERT_EMAILS, Channel.WEBHOOK: settings.ALERT_WEBHOOK_URL}
    return [channel for channel, setting in channels.items() if setting]


def deliver(notification: AlertNotification) -> None:
    """Send a notification to its channel.

    Raises:
        DeliveryError: the mail server or the webhook did not accept it, or the channel is no longer configured.
    """
    if notification.channel not in list_channels():
        raise DeliveryError("The settings do not configure this channel anymore.")
    try:
        if notification.channel == Channel.EMAIL:
            EmailMessage(notification.subject, notification.text, to=settings.ALERT_EMAILS).send()
        elif not is_webhook_url(settings.ALERT_WEBHOOK_URL):
            raise DeliveryError("ALERT_WEBHOOK_URL is not a URL.")
        else:
            post_json(urlsplit(settings.ALERT_WEBHOOK_URL), build_body(notification.subject, notification.text))
    except (OSError, HTTPException, ValueError) as error:  # errors of SMTP are OSErrors, invalid addresses ValueErrors
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise DeliveryError(f"Not delivered: {reason}") from error


def is_webhook_url(text: str) -> bool:
    """Return whether a text is an absolute URL without a user name, in ASCII."""
    try:
        parts = urlsplit(text)
        port_is_valid = parts.port != 0
    except ValueError:
        return False
    is_plain = text.isascii() and text.isprintable() and " " not in text
    return bool(is_plain and port_is_valid and parts.scheme in ("http", "https") and parts.hostname and not parts.username)


def get_webhook_host() -> str:
    """Return the host of the webhook, or an empty string if there is none. The rest of the URL is a secret."""
    url = settings.ALERT_WEBHOOK_URL
    return str(urlsplit(url).hostname) if is_webhook_url(url) else ""


def build_body(subject: str, text: str) -> dict[str, Any]:
    """Return the JSON of an incoming webhook of Slack: a text for notifications, and blocks for the channel.

    https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
    """
    title, body = subject.translate(ESCAPES), text.strip().translate(ESCAPES)
    section = {"type": "section", "text": {"type": "mrkdwn", "text": f"*{title}*\n{body}"[:MAX_SECTION_CHARACTERS]}}
    return {"text": f"{title}\n\n{body}", "blocks": [section]}


def post_json(url: SplitResult, body: dict[str, Any]) -> None:
    """Send a JSON body. The response is not read, redirects are not followed, and no proxy is used.

    Raises:
        DeliveryError: the status is not 2xx, or the exchange took longer than `WEBHOOK_SECONDS`.
        OSError, HTTPException: the connection failed.
    """
    connection = CONNECTIONS[url.scheme](str(url.hostname), url.port, timeout=WEBHOOK_SECONDS)
    # The timeout of a socket applies to each packet: a peer that sends one byte per second would never exceed it.
    deadline = threading.Timer(WEBHOOK_SECONDS, _abort, [connection])
    deadline.daemon = True
    started = monotonic()
    deadline.start()
    try:
        path = f"{url.path or '/'}?{url.query}" if url.query else url.path or "/"
        connection.request("POST", path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        if monotonic() - started >= WEBHOOK_SECONDS:
            raise DeliveryError(f"The webhook did not respond within {WEBHOOK_SECONDS:.0f} seconds.") from error
        raise
    finally:
        deadline.cancel()
        connection.close()
    if not 200 <= status < 300:
        raise DeliveryError(f"The webhook returned status {status}.")


def _abort(connection: HTTPConnection) -> None:
    """Close the connection, which ends the wait of the thread that reads from it."""
    if connection.sock is not None:
        try:
            connection.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # the peer has closed it
