"""Settings of events, their sinks, and alerts, from environment variables. Import them after `.env` has been read."""

import environ

env = environ.Env()

EVENT_SINKS = env.list("EVENT_SINKS", cast=str.strip, default=[])  # short names or dotted paths; see docs/events.md
# Seconds between two looks for events that the server must send; 0 if only `manage.py relay_events` sends them.
EVENT_RELAY_SECONDS = env.float("EVENT_RELAY_SECONDS", default=5)
EVENT_MAX_ATTEMPTS = env.int("EVENT_MAX_ATTEMPTS", default=12)  # of an event that a sink refuses while it is available
EVENT_RETENTION_DAYS = env.int("EVENT_RETENTION_DAYS", default=7)  # for which events are stored after their delivery
EVENT_JSONL_MAX_BYTES = env.int("EVENT_JSONL_MAX_BYTES", default=100 * 2**20)  # per file; then a new one is started
EVENT_JSONL_FILES = env.int("EVENT_JSONL_FILES", default=9)  # old files that remain
WEBHOOK_ALLOW_HTTP = env.bool("WEBHOOK_ALLOW_HTTP", default=False)  # besides HTTPS
WEBHOOK_ALLOW_PRIVATE_ADDRESSES = env.bool("WEBHOOK_ALLOW_PRIVATE_ADDRESSES", default=False)  # loopback ones too
KAFKA_BOOTSTRAP_SERVERS = env.str("KAFKA_BOOTSTRAP_SERVERS", default="")  # for example kafka-1:9092,kafka-2:9092
KAFKA_TOPIC = env.str("KAFKA_TOPIC", default="mlsite.events")
KAFKA_OPTIONS = env.str("KAFKA_OPTIONS", default="{}")  # more settings of librdkafka, as a JSON object

ALERT_EMAILS = env.list("ALERT_EMAILS", cast=str.strip, default=[])
ALERT_WEBHOOK_URL = env.str("ALERT_WEBHOOK_URL", default="")  # accepts the JSON of Slack's incoming webhooks
ALERT_DIGEST_HOUR = env.int("ALERT_DIGEST_HOUR", default=7)  # of the daily digest, in UTC; -1 for no digest
