"""Rate-limited messaging: reward for what a few bits can tell."""
