"""Settings of the server and of predictions, from environment variables. Import them after `.env` has been read."""

import os

from mlsite.environment import env

DEFAULT_MODEL = env.get_text("DEFAULT_MODEL")  # for requests without a model; if empty, the first registered
MAX_UPLOAD_BYTES = env.get_integer("MAX_UPLOAD_BYTES", default=10 * 2**20, minimum=1)  # per image
MAX_IMAGE_PIXELS = env.get_integer("MAX_IMAGE_PIXELS", default=25_000_000, minimum=64)
MAX_DECODE_SECONDS = env.get_seconds("MAX_DECODE_SECONDS", default=1.5, minimum=0.01)  # CPU time per image
# Images of more than a megapixel that a user can decode at the same time, per process
MAX_DECODES_PER_USER = env.get_integer("MAX_DECODES_PER_USER", default=4, minimum=1)
MAX_JSON_BYTES = 2**20  # without the image
MAX_IMAGE_JSON_BYTES = MAX_UPLOAD_BYTES * 3 // 2 + MAX_JSON_BYTES  # base64 takes 4/3, and more with line breaks
MAX_FORM_BYTES = 3 * MAX_UPLOAD_BYTES  # without JavaScript, the upload page sends several images in one request
FORM_OVERHEAD_BYTES = 64 * 2**10  # other parts of a multipart body
MAX_BATCH_FILE_BYTES = env.get_integer("MAX_BATCH_FILE_BYTES", default=2 * 2**30, minimum=1)  # of the file of a batch job
MAX_BATCH_JOB_ITEMS = env.get_integer("MAX_BATCH_JOB_ITEMS", default=1_000_000, minimum=1)  # rows or images of a batch job
# Routes whose uploads are written to disk while they are received.
LARGE_UPLOAD_ROUTES = ["api:batch-job-list", "api:batch-job-images", "predictions:batch-job-new"]
# Seconds without progress after which a batch job is started again
BATCH_JOB_LEASE_SECONDS = env.get_integer("BATCH_JOB_LEASE_SECONDS", default=60, minimum=1, maximum=86_400)
MAX_BATCH_IMAGES = env.get_integer("MAX_BATCH_IMAGES", default=256, minimum=1)  # per batch request
MAX_BATCH_ROWS = env.get_integer("MAX_BATCH_ROWS", default=10_000, minimum=1)  # rows or texts per batch request
MAX_BATCH_BYTES = env.get_integer("MAX_BATCH_BYTES", default=64 * 2**20, minimum=1)  # per batch request
# Seconds that a request waits, including the queue
PREDICT_TIMEOUT = env.get_seconds("PREDICT_TIMEOUT", default=10.0, minimum=0.01)
MAX_BATCH = env.get_integer("MAX_BATCH", default=32, minimum=1)  # inputs per batch
# Inputs that can wait per model and process; further requests get a 503
MAX_QUEUE = env.get_integer("MAX_QUEUE", default=128, minimum=1)
# Models per process. The least recently used one is unloaded.
MAX_LOADED_MODELS = env.get_integer("MAX_LOADED_MODELS", default=16, minimum=1)
# Total size of the artifacts of the loaded models, per process
MAX_LOADED_BYTES = env.get_integer("MAX_LOADED_BYTES", default=4 * 2**30, minimum=1)
HOST = env.get_text("HOST", default="127.0.0.1")  # address to listen on
PORT = env.get_integer("PORT", default=8000, minimum=1, maximum=65_535)
WEB_CONCURRENCY = env.get_integer("WEB_CONCURRENCY", default=2, minimum=1)  # processes
WEB_THREADS = env.get_integer("WEB_THREADS", default=8, minimum=1)  # threads per process
INFERENCE_THREADS = env.get_integer("INFERENCE_THREADS", default=max(1, (os.cpu_count() or 1) // WEB_CONCURRENCY), minimum=1)
# Seconds that a request waits for a free thread before it gets a 503
MAX_WAIT = env.get_seconds("MAX_WAIT", default=5.0, minimum=0.01)
METRICS_PUBLIC = env.get_flag("METRICS_PUBLIC", default=False)

FILE_UPLOAD_HANDLERS = ["core.uploadhandler.WholeBodyUploadHandler"]
FILE_UPLOAD_MAX_MEMORY_SIZE = max(MAX_FORM_BYTES, MAX_BATCH_BYTES) + FORM_OVERHEAD_BYTES  # no temporary files
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_JSON_BYTES
DATA_UPLOAD_MAX_NUMBER_FIELDS = max(250, MAX_BATCH_IMAGES + 50)
DATA_UPLOAD_MAX_NUMBER_FILES = max(20, MAX_BATCH_IMAGES)
