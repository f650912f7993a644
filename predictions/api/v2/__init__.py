"""The REST endpoints of the Open Inference Protocol (V2), under /v2. See docs/v2.md."""
