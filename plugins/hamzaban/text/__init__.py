"""Text: tokens and token lists."""
