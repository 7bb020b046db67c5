"""Pictures: decoded, lit evenly, split into marks, fitted to MNIST's form. Knows nothing of pads."""
