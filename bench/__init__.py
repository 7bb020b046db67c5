"""Benchmarks: our models and runtime against what people would use instead, all sides in one run."""
