"""What is learned: graph definitions, data recipes, training and evaluation. Never imported by the running assistant."""
