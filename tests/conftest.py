"""Lets TensorFlow and PyTorch be loaded by the tests of one process, where they are installed."""

import contextlib

# TensorFlow and PyTorch's compiler each carry an LLVM: whoever loads the compiler second, as the first optimiser of
# PyTorch does, dies of it. (`make train` and `make export` give each network a process of its own.)
with contextlib.suppress(ImportError):
    import triton  # noqa: F401
