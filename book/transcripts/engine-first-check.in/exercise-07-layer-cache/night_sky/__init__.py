"""What the Comet Club can see tonight."""
