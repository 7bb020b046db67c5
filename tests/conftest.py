"""Lets TensorFlow and PyTorch be loaded by the tests of one process, where they are installed, and wait in peace."""

import contextlib
import os

# Threads that wait for others would spin and take the cores from the processes that training and export start.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# TensorFlow and PyTorch's compiler each carry an LLVM: the second to be loaded crashes if that is the compiler, which
# PyTorch's first optimiser loads. (`make train` and `make export` give each network a process of its own.)
with contextlib.suppress(ImportError):
    import triton  # noqa: F401
