"""Readers of published corpora, one module each, that write data directories.

A module has `add_options(parser)` and `prepare(args)`; `hamzaban prepare-corpus --help`
shows the first line of its docstring. `ingest.tables` notes the tables that it opens. A
module notes (`launch.notes`) other files that define the content of the corpus, so that
stage 1 runs again when they change.
"""
