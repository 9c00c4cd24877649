"""Mining: media of any kind and length in, chunks of speech out."""
