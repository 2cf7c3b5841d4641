"""Training of Quell's backbone and denoising blocks; see docs/training.md."""
import os

# Threads that wait must sleep, not spin: on a machine shared with other work spinning costs several times the time.
# OpenMP reads this when PyTorch is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
