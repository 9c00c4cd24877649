"""The options of a recipe, checked together before its first stage runs."""
