"""The definitions, transcribed word for word and slowly, to test against. Nothing here is shared with the package."""

import numpy as np


def ranking(distances, identity, camera, identities, cameras, *, same_camera=True, junk=(-1,), distractors=(-2,)):
    """The filtered gallery of one query in ranked order, as a list of whether each image matches."""
    shown = []
    for column in np.argsort(distances, kind="stable"):
        if identities[column] in junk:
            continue
        mate = identities[column] == identity and identity not in junk and identity not in distractors
        if mate and same_camera and cameras[column] == camera:
            continue
        shown.append(bool(mate))
    return shown


def step_ap(shown):
    hits, total = 0, 0.0
    for position, match in enumerate(shown, start=1):
        if match:
            hits += 1
            total += hits / position
    return total / hits


def trapezoid_ap(shown):
    """The procedure of the Market-1501 authors' published code: recall steps times the mean of two precisions."""
    good = sum(shown)
    area, old_recall, old_precision, found = 0.0, 0.0, 1.0, 0
    for position, match in enumerate(shown, start=1):
        found += match
        recall, precision = found / good, found / position
        area += (recall - old_recall) * (old_precision + precision) / 2
        old_recall, old_precision = recall, precision
    return area


def inp(shown):
    last = max(position for position, match in enumerate(shown, start=1) if match)
    return sum(shown) / last


def first_hit(shown):
    return shown.index(True) + 1


def k_reciprocal(squared, queries, k1, k2, weight):
    """Zhong et al. 2017 on a full matrix of squared distances among queries and then gallery images."""
    number = len(squared)
    scaled = squared / squared.max(axis=1, keepdims=True)
    order = np.argsort(scaled, axis=1, kind="stable")

    def reciprocal(image, k):
        return [other for other in order[image, : k + 1] if image in order[other, : k + 1]]

    encoding = np.zeros((number, number))
    for image in range(number):
        core = reciprocal(image, k1)
        expanded = set(core)
        for candidate in core:
            theirs = reciprocal(candidate, int(np.around(k1 / 2)))
            if len(set(theirs) & set(core)) > 2 / 3 * len(theirs):
                expanded |= set(theirs)
        members = sorted(expanded)
        weights = np.exp(-scaled[image, members])
        encoding[image, members] = weights / weights.sum()
    if k2 > 1:
        encoding = np.stack([encoding[order[image, :k2]].mean(axis=0) for image in range(number)])
    jaccard = np.empty((queries, number - queries))
    for i in range(queries):
        for j in range(queries, number):
            jaccard[i, j - queries] = (
                1 - np.minimum(encoding[i], encoding[j]).sum() / np.maximum(encoding[i], encoding[j]).sum()
            )
    return (1 - weight) * jaccard + weight * scaled[:queries, queries:]
