"""Measuring: sets, metrics, conditions, tables, pictures, the comparison of recipes."""
