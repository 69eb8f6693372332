"""What may be asked of a run, and the sentence for what may not."""
