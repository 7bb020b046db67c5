"""Deployment: everything a device needs to run digitpad, in one archive that installs without network or compiler."""
