"""Pictures: decoded, lit evenly, parted into marks, fitted to MNIST's form. Knows nothing of pads."""
