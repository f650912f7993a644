"""Background tasks of accounts."""

from accounts.services import erasure
from accounts.services.resets import RESET_TASK, send_password_reset
from core.tasks import background_task

background_task(erasure.TASK_NAME)(erasure.run_erasure)
background_task(RESET_TASK)(lambda email: send_password_reset(email=email))
