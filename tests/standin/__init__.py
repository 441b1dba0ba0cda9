"""A stand-in of the Open edX platform, made of the platform's own published packages."""
