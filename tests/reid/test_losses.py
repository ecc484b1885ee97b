from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings, strategies as st

from closerlook.reid import Recipe
from closerlook.reid.losses import (
    BatchHardTriplet,
    CenterLoss,
    ReidLoss,
    classification_loss,
    generalised_cross_entropy,
)


def batch(seed: int, identities: int = 4, images: int = 3, dim: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(identities).repeat_interleave(images)
    return torch.randn(len(labels), dim, generator=generator), labels


def triplet_by_hand(features: torch.Tensor, labels: torch.Tensor, margin: float | str) -> float:
    losses = []
    for anchor, label in zip(features, labels, strict=True):
        distances = [math.dist(anchor.tolist(), other.tolist()) for other in features]
        hardest_positive = max(d for d, other in zip(distances, labels, strict=True) if other == label)
        hardest_negative = min(d for d, other in zip(distances, labels, strict=True) if other != label)
        gap = hardest_positive - hardest_negative
        losses.append(math.log1p(math.exp(gap)) if margin == "soft" else max(0.0, gap + float(margin)))
    return sum(losses) / len(losses)


@settings(deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.3, 2.0, "soft"]))
def test_batch_hard_triplet_is_its_definition(seed: int, margin: float | str) -> None:
    features, labels = batch(seed)
    assert BatchHardTriplet(margin)(features, labels).item() == pytest.approx(
        triplet_by_hand(features, labels, margin), abs=1e-4
    )


@settings(deadline=None)
@given(st.integers(0, 10_000), st.floats(0.1, 1.0), st.sampled_from([0.0, 0.5]))
def test_generalised_cross_entropy_is_its_definition(seed: int, q: float, truncate: float) -> None:
    logits, _ = batch(seed, dim=4)
    labels = torch.arange(len(logits)) % 4
    expected = []
    for row, label in zip(logits.double(), labels, strict=True):
        p = max((row[label].exp() / row.exp().sum()).item(), truncate)
        expected.append((1 - p**q) / q)
    found = generalised_cross_entropy(logits, labels, q=q, truncate=truncate)
    assert found.item() == pytest.approx(sum(expected) / len(expected), abs=1e-5)


def test_generalised_cross_entropy_tends_to_cross_entropy() -> None:
    logits, _ = batch(1, dim=4)
    labels = torch.arange(len(logits)) % 4
    expected = torch.nn.functional.cross_entropy(logits, labels)
    torch.testing.assert_close(generalised_cross_entropy(logits, labels, q=1e-4), expected, rtol=1e-3, atol=1e-3)


TRUNCATED = Recipe.resolve("baseline", {"classification": "truncated-gce"})


def test_truncation_stops_the_gradient_of_the_hopeless() -> None:
    logits = torch.tensor([[5.0, 0.0], [0.0, 5.0]], requires_grad=True)
    labels = torch.tensor([0, 0])
    classification_loss(logits, labels, TRUNCATED, TRUNCATED.truncate_from).backward()
    assert logits.grad is not None
    assert logits.grad[0].abs().sum() > 0
    assert logits.grad[1].abs().sum() == 0


def test_truncation_begins_after_a_third_of_the_steps() -> None:
    """Zhang and Sabuncu prune from the 40th of 120 epochs; before, the loss is the plain one."""
    logits, labels = torch.zeros(2, 4), torch.tensor([0, 1])
    plain = generalised_cross_entropy(logits, labels)
    before, after = (classification_loss(logits, labels, TRUNCATED, done) for done in (0.3, 0.34))
    assert before == plain
    assert after == generalised_cross_entropy(logits, labels, truncate=0.5) < plain


EVERY_LOSS: dict[str, tuple[str, dict[str, object]]] = {
    "cross-entropy": ("classification", {}),
    "gce": ("classification", {"classification": "gce"}),
    "truncated-gce": ("classification", {"classification": "truncated-gce"}),
    "triplet": ("triplet", {}),
    "soft triplet": ("triplet", {"triplet_margin": "soft"}),
    "triplet of unit vectors": ("triplet", {"triplet_distance": "normalized"}),
    "center": ("center", {"center_weight": 1.0}),
    "circle": ("circle", {"circle_weight": 1.0}),
}


@pytest.mark.parametrize("name", EVERY_LOSS)
@pytest.mark.parametrize("classes", [4, 1000])
def test_every_loss_has_a_gradient_for_every_image_at_the_start(name: str, classes: int) -> None:
    """A new classifier, features of a network that knows nothing of people: each image must move."""
    part, changes = EVERY_LOSS[name]
    features, labels = batch(6, dim=32)
    classifier = torch.nn.Linear(32, classes, bias=False)
    torch.nn.init.normal_(classifier.weight, std=0.001, generator=torch.Generator().manual_seed(1))
    features.requires_grad_()
    loss = ReidLoss(Recipe.resolve("baseline", changes), classes, 32)
    loss(features, classifier(features), labels, 0.0)[1][part].backward()
    assert features.grad is not None
    assert features.grad.isfinite().all()
    assert (features.grad.abs().sum(1) > 0).all()


@pytest.mark.parametrize("name", EVERY_LOSS)
def test_gradients_are_finite_where_images_repeat(name: str) -> None:
    """A person with fewer images than a batch draws gives some twice: distances of zero."""
    features, labels = batch(7, dim=32)
    features = features.repeat_interleave(2, 0).requires_grad_()
    labels = labels.repeat_interleave(2)
    recipe = Recipe.resolve("baseline", EVERY_LOSS[name][1])
    total, _ = ReidLoss(recipe, 4, 32)(features, features[:, :4], labels, 0.0)
    total.backward()
    assert features.grad is not None
    assert features.grad.isfinite().all()


def test_generalised_cross_entropy_has_a_gradient_however_small_the_probability() -> None:
    logits = torch.tensor([[0.0, 30.0]], requires_grad=True)
    generalised_cross_entropy(logits, torch.tensor([0]), q=0.1).backward()
    assert logits.grad is not None
    assert logits.grad[0, 0].item() == pytest.approx(-math.exp(-3), rel=1e-3)


def test_label_smoothing_is_its_definition() -> None:
    logits, _ = batch(2, dim=4)
    labels = torch.arange(len(logits)) % 4
    target = torch.nn.functional.one_hot(labels, 4) * 0.9 + 0.1 / 4
    expected = -(target * logits.log_softmax(1)).sum(1).mean()
    torch.testing.assert_close(classification_loss(logits, labels, Recipe.resolve("strong"), 0.0), expected)


def test_center_loss_is_the_reference_implementations() -> None:
    """Luo et al.'s code: squared distances to the own center, summed and divided by the batch size."""
    features, labels = batch(3)
    loss = CenterLoss(4, 8).eval()
    loss.centers = torch.randn(4, 8, generator=torch.Generator().manual_seed(1))
    distances = [
        (feature - loss.centers[label]).square().sum() for feature, label in zip(features, labels, strict=True)
    ]
    assert loss(features, labels).item() == pytest.approx((sum(distances) / len(features)).item(), rel=1e-5)


def test_centers_move_as_their_paper_says() -> None:
    features, _ = batch(3)
    labels = torch.tensor([0, 0, 0, 2, 2, 0, 0, 0, 0, 0, 0, 3])
    loss = CenterLoss(5, 8)
    loss.centers = torch.randn(5, 8, generator=torch.Generator().manual_seed(1))
    before = loss.centers.clone()
    loss(features.requires_grad_(), labels).backward()
    for label in range(5):
        own = features.detach()[labels == label]
        step = 0.5 * (before[label] - own).sum(0) / (1 + len(own))
        torch.testing.assert_close(loss.centers[label], before[label] - step)
    assert "centers" in loss.state_dict()
    assert not list(loss.parameters())


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_circle_loss_is_its_definition(seed: int) -> None:
    """Sun et al. 2020, Eqs. 6 to 8, with each image as the anchor: m = 0.25, gamma = 128, averaged over anchors."""
    features, labels = batch(seed)
    unit = torch.nn.functional.normalize(features.double())
    similarity, m, gamma = unit @ unit.T, 0.25, 128
    losses = []
    for anchor in range(len(labels)):
        same = labels == labels[anchor]
        same[anchor] = False
        positive, negative = similarity[anchor][same], similarity[anchor][labels != labels[anchor]]
        pull = -gamma * (1 + m - positive).clamp_min(0) * (positive - (1 - m))
        push = gamma * (negative + m).clamp_min(0) * (negative - m)
        losses.append(torch.nn.functional.softplus(push.logsumexp(0) + pull.logsumexp(0)))
    recipe = Recipe.resolve("baseline", {"circle_weight": 1.0})
    _, parts = ReidLoss(recipe, 4, 8)(features, features[:, :4], labels, 0.0)
    assert parts["circle"].item() == pytest.approx(torch.stack(losses).mean().item(), rel=1e-3)


def test_the_total_weighs_the_parts() -> None:
    weights = {"classification_weight": 0.5, "triplet_weight": 2.0, "circle_weight": 0.25, "center_weight": 3.0}
    features, labels = batch(4)
    total, parts = ReidLoss(Recipe.resolve("baseline", weights), 4, 8)(features, features[:, :4], labels, 0.0)
    assert set(parts) == {"classification", "triplet", "circle", "center"}
    expected = sum(weights[f"{name}_weight"] * value.item() for name, value in parts.items())
    assert total.item() == pytest.approx(expected, rel=1e-5)


def test_losses_without_weight_are_not_computed() -> None:
    features, labels = batch(5)
    recipe = Recipe.resolve("baseline", {"triplet_weight": 0})
    assert set(ReidLoss(recipe, 4, 8)(features, features[:, :4], labels, 0.0)[1]) == {"classification"}
