"""Pictures: decoded, lit evenly, told from paper, fitted to MNIST's form, read as rows. Knows nothing of pads."""
