"""The predictor of first inferences: its data, training and stored model. No command reaches this package yet."""
