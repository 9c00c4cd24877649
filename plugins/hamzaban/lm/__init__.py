"""N-gram language models: text, training by KenLM, mixing, perplexity, leak audit."""
