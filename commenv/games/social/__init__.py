"""Social learning: agents that learn from what others did."""
