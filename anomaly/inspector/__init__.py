"""A trained model that judges photos: the bundle on disk, its verdicts, folders of photos."""
