"""Where Hydra looks for plugins: the sweepers of this project by the names that it knows them by."""

from hydra.core.config_store import ConfigStore

from anomaly.sweep import grid, search


class Grid(grid.Grid):
    """Every combination; see `anomaly.sweep.grid`."""


class Search(search.Search):
    """The most promising ones; see `anomaly.sweep.search`."""


# "basic" is Hydra's default; ours takes its place, with the same settings.
ConfigStore.instance().store(
    group="hydra/sweeper",
    name="basic",
    node={"_target_": "hydra_plugins.anomaly.Grid", "max_batch_size": None, "params": None},
    provider="anomaly",
)
