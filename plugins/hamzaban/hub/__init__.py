"""Models on the Hugging Face hub: found, fetched and published by its own client."""
