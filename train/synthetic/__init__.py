"""Digits and non-digits that we draw ourselves."""
