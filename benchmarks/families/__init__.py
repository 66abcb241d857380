"""One module a family, each with its ``SPEC``; they are listed in :mod:`benchmarks.register`."""
