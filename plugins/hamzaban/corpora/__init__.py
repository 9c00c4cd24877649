"""Published corpora, one module each: what of a layout becomes which data directory.

A module has `add_options(parser)` and `prepare(args)`; the first line of its docstring
is what `hamzaban prepare-corpus --help` shows.
"""
