"""The drawing pad: the only room that imports pygame."""
