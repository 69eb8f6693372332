"""What the outputs of networks mean: probabilities, heat, pixels and instances; in numpy alone."""
