"""Training: data, augmentation, the networks, calibration."""
