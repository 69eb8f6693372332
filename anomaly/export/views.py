"""A model that judges fewer views of a photo: faster, and another model, so it is measured again."""

from __future__ import annotations

from dataclasses import replace

from anomaly.config.schema import EvaluateConfig
from anomaly.errors import InputError
from anomaly.inspector.inspector import Inspector
from anomaly.model.classifier.learner import Classifier
from anomaly.run.bundle import measured, of_test
from anomaly.run.evaluate import measure
from anomaly.types import Dataset, Predictions


def in_views(
    inspector: Inspector, views: int, dataset: Dataset, evaluate: EvaluateConfig
) -> tuple[Inspector, Predictions]:
    """The inspector with fewer views, and what it says of validate.

    Temperature and thresholds are chosen on validate as in a run, and the figures that the bundle
    will carry are measured on test.

    Raises:
        InputError: it has no views inside its network, has fewer already, or has no test part.
    """
    learner = inspector.judge
    if not isinstance(learner, Classifier):
        raise InputError(
            f"--views is for a single classifier, and this is a {inspector.about.kind}"
        )
    if views > learner.settings["views"]:
        raise InputError(f"the model judges {learner.settings['views']} views; give fewer")
    if not len(dataset.test):
        raise InputError(
            "a refitted model has no test part, so in other views its figures would be unknown; give"
            f" --views to the run that it was measured by, or train it with model.views={views}"
        )
    fewer = learner.in_views(views, dataset.validate)
    parts = {"val": dataset.validate, "test": dataset.test}
    predicted = {name: fewer.predict(part.images, part.grid) for name, part in parts.items()}
    evaluation = measure(dataset, predicted, evaluate)
    about = replace(inspector.about, **measured(evaluation, of_test(evaluation, dataset)))
    return Inspector(fewer, about, about.point), evaluation.judged["val"].predictions
