"""Settings of events, their sinks, and alerts, from environment variables. Import them after `.env` has been read."""

from mlsite.environment import env

EVENT_SINKS = env.get_list("EVENT_SINKS")  # short names or dotted paths; see docs/events.md
# Seconds between two looks for events that the server must send; 0 if only `manage.py relay_events` sends them.
EVENT_RELAY_SECONDS = env.get_seconds("EVENT_RELAY_SECONDS", default=5, minimum=0)
# Of an event that a sink refuses while it is available
EVENT_MAX_ATTEMPTS = env.get_integer("EVENT_MAX_ATTEMPTS", default=12)
EVENT_RETENTION_DAYS = env.get_integer("EVENT_RETENTION_DAYS", default=7, maximum=36_500)  # after the delivery
EVENT_JSONL_MAX_BYTES = env.get_integer("EVENT_JSONL_MAX_BYTES", default=100 * 2**20, minimum=1)  # per file
EVENT_JSONL_FILES = env.get_integer("EVENT_JSONL_FILES", default=9)  # old files that remain
WEBHOOK_ALLOW_HTTP = env.get_flag("WEBHOOK_ALLOW_HTTP", default=False)  # besides HTTPS
WEBHOOK_ALLOW_PRIVATE_ADDRESSES = env.get_flag("WEBHOOK_ALLOW_PRIVATE_ADDRESSES", default=False)  # loopback ones too
KAFKA_BOOTSTRAP_SERVERS = env.get_text("KAFKA_BOOTSTRAP_SERVERS")  # for example kafka-1:9092,kafka-2:9092
KAFKA_TOPIC = env.get_text("KAFKA_TOPIC", default="mlsite.events")
KAFKA_OPTIONS = env.get_text("KAFKA_OPTIONS", default="{}")  # more settings of librdkafka, as a JSON object

ALERT_EMAILS = env.get_list("ALERT_EMAILS")
ALERT_WEBHOOK_URL = env.get_text("ALERT_WEBHOOK_URL")  # accepts the JSON of Slack's incoming webhooks
ALERT_DIGEST_HOUR = env.get_integer("ALERT_DIGEST_HOUR", default=7, minimum=-1)  # of the daily digest, in UTC; -1 for none
