"""Training shared by all our ESPnet2 tasks: a resumable trainer and a task mixin."""

from hamzaban import compat

compat.prepare()
