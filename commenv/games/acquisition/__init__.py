"""Information acquisition: buying, hiring, asking, measuring."""
