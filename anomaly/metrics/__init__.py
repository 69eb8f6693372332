"""Pure numbers, and a catalogue of what they mean."""
