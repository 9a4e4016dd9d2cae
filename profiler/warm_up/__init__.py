"""The warm-up predictor: its data from profiles, its training, its errors, and the choice of the monitor's features."""
