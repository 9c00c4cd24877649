"""Published corpora, one module each: what of a layout becomes which data directory.

A module has `add_options(parser)` and `prepare(args)`; the first line of its docstring
is what `hamzaban prepare-corpus --help` shows. Tables are opened by `ingest.tables`;
what is read otherwise and says what is in the corpus is noted (`launch.notes`), so that
stage 1 sees a correction of it.
"""
