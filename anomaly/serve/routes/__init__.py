"""What may be asked: a module for each kind of address."""
