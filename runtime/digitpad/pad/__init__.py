"""The drawing pad: the only package that imports pygame."""
