"""Thin command lines, one module a verb: `<verb>_<noun>.py` is `hamzaban <verb-noun>`.

The first line of a module's docstring is what `hamzaban --help` shows. A module has
`get_parser()` and `main(cmd)`; what is slow to import is imported inside functions.
"""
