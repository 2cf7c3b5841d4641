"""Training of Quell's backbone and denoising blocks; see docs/training.md."""
