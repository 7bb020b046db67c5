"""Training: data, augmentation, the two networks, calibration."""
