"""The sweepers of this project, in the folder where Hydra looks for plugins."""

from hydra.core.config_store import ConfigStore

from anomaly.sweep import grid, search


class Grid(grid.Grid):
    """Runs all combinations; see `anomaly.sweep.grid`."""


class Search(search.Search):
    """Runs the most promising combinations; see `anomaly.sweep.search`."""


# "basic" is Hydra's default sweeper; ours replaces it, with the same settings.
ConfigStore.instance().store(
    group="hydra/sweeper",
    name="basic",
    node={"_target_": "hydra_plugins.anomaly.Grid", "max_batch_size": None, "params": None},
    provider="anomaly",
)
