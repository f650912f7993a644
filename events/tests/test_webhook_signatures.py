"""Signatures, verified with the library of the authors of Standard Webhooks."""

import time

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from events.webhooks.signatures import build_headers, create_secret, sign

pytestmark = pytest.mark.once
BODY = '{"name": "Zoë"}'.encode()


def build(*secrets, timestamp=None):
    return build_headers(valid_secrets=secrets, message_id="01a1fb01", timestamp=timestamp or int(time.time()), body=BODY)


def test_the_example_of_the_specification():
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    signature = sign(secret=secret, message_id="msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp=1614265330, body=body)
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_receivers_verify_signatures_with_either_secret_during_a_rotation():
    new, old = create_secret(), create_secret()
    headers = build(new, old)
    for secret in (new, old):
        assert Webhook(secret).verify(BODY, headers) == {"name": "Zoë"}
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        Webhook(create_secret()).verify(BODY, headers)


@pytest.mark.parametrize("changed", ["webhook-id", "body"])
def test_changed_messages_are_rejected(changed):
    secret = create_secret()
    headers, body = build(secret), BODY
    if changed == "body":
        body += b" "
    else:
        headers[changed] += "x"
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, headers)


def test_old_messages_are_rejected():
    secret = create_secret()
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(secret).verify(BODY, build(secret, timestamp=int(time.time()) - 600))


def test_secrets_are_random_and_recognizable():
    secrets = {create_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert all(secret.startswith("whsec_") and len(secret) == 50 for secret in secrets)
