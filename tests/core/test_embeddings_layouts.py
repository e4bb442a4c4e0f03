"""core/embeddings, layouts and measures: equal to plain formulas and the usual libraries, and true to their word."""

from __future__ import annotations

import numpy as np
import pytest
from openTSNE import TSNEEmbedding
from openTSNE.affinity import PerplexityBasedNN
from sklearn.manifold import trustworthiness
from sklearn.model_selection import LeaveOneOut, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

from core.embeddings import layouts
from core.embeddings import measures as layout_measures
from core.embeddings.layouts import align, exact_gradient, initial_places, nearest, pca, place_among, projection, tsne


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def blobs() -> tuple[np.ndarray, np.ndarray]:
    """300 points in 20 dimensions around five centres, float32, and which centre each belongs to."""
    draw = np.random.default_rng(1)
    labels = draw.integers(0, 5, 300)
    return (3 * draw.normal(size=(5, 20))[labels] + draw.normal(size=(300, 20))).astype(np.float32), labels


@pytest.fixture(scope="module")
def unfolded(blobs) -> list[layouts.Frame]:
    return list(tsne(blobs[0], perplexity=20, iterations=300))


def distances(places: np.ndarray) -> np.ndarray:
    return np.linalg.norm(places[:, None].astype(float) - places[None], axis=2)


# PCA


@pytest.mark.parametrize("shape", [(60, 5), (30, 200), (20, 1200)], ids=str)  # by either solver
def test_pca_equals_a_plain_svd(shape):
    features = (rng().normal(size=shape) * np.linspace(1, 2, shape[1]) + 7).astype(np.float32)
    (frame,) = pca(features)
    u, s, _ = np.linalg.svd(features - features.mean(axis=0, dtype=float), full_matrices=False)
    expected = u[:, :2] * s[:2]
    expected *= np.sign((expected * frame.places).sum(axis=0))  # each axis may be mirrored
    np.testing.assert_allclose(frame.places, expected, atol=1e-6)
    shares = layout_measures.explained(features, frame.places)
    np.testing.assert_allclose(shares, (s**2 / (s**2).sum())[:2], rtol=1e-6)
    assert (frame.iteration, frame.kl) == (0, None)


def test_the_explained_variance_does_not_depend_on_how_a_layout_is_turned(blobs):
    places = next(pca(blobs[0])).places
    turned = align(places, rng().normal(size=places.shape))
    assert not np.allclose(turned, places, atol=0.1)
    expected = layout_measures.explained(blobs[0], places)
    assert layout_measures.explained(blobs[0], turned) == pytest.approx(expected)


# t-SNE


def test_the_gradient_is_the_slope_of_the_divergence(blobs):
    features, places = blobs[0][:40], rng().normal(size=(40, 2))
    p = layouts.affinities(features, 5).P
    kl, gradient = exact_gradient(places, p, should_eval_error=True)
    assert kl == pytest.approx(naive_kl(p.toarray(), places), abs=1e-5)
    slope, step = np.zeros_like(places), 1e-5
    for place in np.ndindex(places.shape):
        up, down = places.copy(), places.copy()
        up[place] += step
        down[place] -= step
        slope[place] = (naive_kl(p.toarray(), up) - naive_kl(p.toarray(), down)) / (2 * step)
    np.testing.assert_allclose(4 * gradient, slope, atol=1e-5)


def naive_kl(p: np.ndarray, places: np.ndarray) -> float:
    q = 1 / (1 + distances(places) ** 2)
    np.fill_diagonal(q, 0)
    q /= q.sum()
    return sum(p[i, j] * np.log(p[i, j] / q[i, j]) for i, j in zip(*p.nonzero(), strict=True))


def test_the_gradient_equals_opentsnes(blobs):
    """Its Barnes-Hut tree with theta 0 leaves nothing out."""
    places = np.ascontiguousarray(10 * rng().normal(size=(300, 2)))
    steps = []
    for method in (exact_gradient, "bh"):
        layout = TSNEEmbedding(places, layouts.affinities(blobs[0], 20), negative_gradient_method=method, theta=0.0)
        layout.optimize(1, inplace=True, learning_rate=1.0, momentum=0.0)
        steps.append((np.array(layout) - places, layout.kl_divergence))
    assert np.abs(steps[0][0]).max() > 1e-5
    np.testing.assert_allclose(steps[0][0], steps[1][0], atol=1e-3 * np.abs(steps[1][0]).max())
    assert steps[0][1] == pytest.approx(steps[1][1], rel=1e-4)


@pytest.mark.parametrize("perplexity", [5, 20, 120])
def test_affinities_equal_those_that_opentsne_makes_alone(perplexity, blobs):
    expected = PerplexityBasedNN(blobs[0].astype(float), perplexity, method="exact").P.toarray()
    np.testing.assert_allclose(layouts.affinities(blobs[0], perplexity).P.toarray(), expected, atol=1e-7)


def test_repulsion_equals_a_plain_sum_over_all_pairs():
    places, others = 30 * rng().normal(size=(300, 2)), 30 * rng().normal(size=(70, 2))
    push, total = layouts.repulsion(places, others)
    apart = places[:, None] - others[None]
    q = 1 / (1 + (apart**2).sum(axis=2))
    expected = (q[..., None] ** 2 * apart).sum(axis=1)
    np.testing.assert_allclose(push, expected, atol=1e-3 * np.abs(expected).max())
    np.testing.assert_allclose(total, q.sum(axis=1), rtol=1e-3)


def test_t_sne_beats_a_random_layout_and_pca_by_far(blobs, unfolded):
    features, labels = blobs
    found = {"t-SNE": unfolded[-1].places, "PCA": next(pca(features)).places, "random": rng().normal(size=(300, 2))}
    quality = {name: layout_measures.quality(features, places, labels) for name, places in found.items()}
    kl = {name: layout_measures.kl_divergence(features, places, 20) for name, places in found.items()}
    assert quality["t-SNE"]["knn_plane"] > 0.95 > 0.35 > quality["random"]["knn_plane"]
    assert quality["t-SNE"]["trustworthiness"] > 0.9 > 0.6 > quality["random"]["trustworthiness"]
    assert kl["t-SNE"] + 0.3 < kl["PCA"] < kl["random"] - 0.5
    assert {each["knn_original"] for each in quality.values()} == {quality["PCA"]["knn_original"]}


def test_a_frame_comes_before_the_first_step_and_after_every_tenth(blobs, unfolded):
    assert [frame.iteration for frame in unfolded] == list(range(0, 301, 10))
    assert unfolded[0].kl is None
    np.testing.assert_array_equal(unfolded[0].places, initial_places(blobs[0], "pca", 42))
    assert all(frame.places.shape == (300, 2) and frame.kl > 0 for frame in unfolded[1:])
    assert unfolded[-1].kl < unfolded[11].kl - 0.1  # after the exaggeration
    assert np.abs(unfolded[-1].places.mean(axis=0)).max() < 1e-6
    assert len({frame.places.tobytes() for frame in unfolded}) == len(unfolded)  # each its own, none changed later


@pytest.mark.parametrize("iterations, expected", [(1, [0, 1]), (9, [0, 9]), (25, [0, 10, 20, 25])], ids=str)
def test_the_last_frame_comes_whatever_the_number_of_steps(iterations, expected, blobs):
    assert [frame.iteration for frame in tsne(blobs[0], 5, iterations)] == expected


def test_the_divergence_of_a_frame_is_the_exact_one(blobs, unfolded):
    for frame in (unfolded[3], unfolded[-1]):  # with exaggeration and without
        assert frame.kl == pytest.approx(layout_measures.kl_divergence(blobs[0], frame.places, 20), abs=1e-4)
    dense = layouts.affinities(blobs[0], 20).P.toarray()
    assert unfolded[-1].kl == pytest.approx(naive_kl(dense, unfolded[-1].places), abs=1e-4)


@pytest.mark.parametrize("method", ["exact", "Barnes-Hut"])
def test_the_same_seed_gives_the_same_layout_and_another_one_does_not(method, blobs, monkeypatch):
    if method == "Barnes-Hut":
        monkeypatch.setattr(layouts, "EXACT_UP_TO", 100)
    for init in ("pca", "random"):
        first, second, other = ([*tsne(blobs[0], 10, 40, init=init, seed=seed)][-1] for seed in (1, 1, 2))
        assert first.places.tobytes() == second.places.tobytes()
        assert first.kl == second.kl
        assert not np.allclose(first.places, other.places, atol=1e-9)


def test_barnes_hut_comes_as_low_as_the_exact_gradient(blobs, unfolded, monkeypatch):
    monkeypatch.setattr(layouts, "EXACT_UP_TO", 100)
    *_, last = tsne(blobs[0], perplexity=20, iterations=300)
    assert last.places.tobytes() != unfolded[-1].places.tobytes()
    assert last.kl == pytest.approx(unfolded[-1].kl, rel=0.05)


def test_the_initial_places_are_close_together(blobs):
    for init in ("pca", "random", 40 + 7 * rng().normal(size=(300, 2))):
        places = initial_places(blobs[0], init, 3)
        assert places.std(axis=0).max() == pytest.approx(1e-4, rel=0.1)
        assert np.abs(places.mean(axis=0)).max() < 2e-5
    given = rng().normal(size=(300, 2))
    begun = initial_places(blobs[0], given, 3)
    assert np.corrcoef(begun.ravel(), (given - given.mean(axis=0)).ravel())[0, 1] > 0.999


def test_points_that_are_all_alike_can_begin(blobs):
    assert np.isfinite(initial_places(blobs[0], np.zeros((300, 2)), 0)).all()


# Neighbours


@pytest.mark.parametrize("shape, k", [((300, 20), 7), ((600, 2), 90), ((20, 3), 19)], ids=str)
def test_neighbours_are_those_of_an_exact_search(shape, k):
    points = (100 + rng().normal(size=shape)).astype(np.float32)  # far from the middle of space
    found, apart = nearest(points, k)
    expected, which = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(points.astype(float)).kneighbors()
    np.testing.assert_array_equal(found, which)
    np.testing.assert_allclose(apart, expected, atol=1e-4)


def test_neighbours_of_new_points_may_be_any(blobs):
    points, _ = blobs
    found, apart = nearest(points, 3, points[5:8])
    assert found[:, 0].tolist() == [5, 6, 7]
    np.testing.assert_allclose(apart[:, 0], 0, atol=1e-2)
    expected = np.argsort(np.linalg.norm(points[5] - points, axis=1))[:3]
    assert found[0].tolist() == expected.tolist()


def test_neighbours_that_the_plane_invented_or_lost():
    line = np.arange(10.0)[:, None].astype(np.float32)
    places = np.zeros((10, 2), np.float32)
    places[:, 0] = [0, 1, 2, 3, 4, 5, 6, 7, 8, -1.5]  # the last point landed beside the first
    found = layout_measures.neighbours(line, places, 0, 3)
    assert (found.original, found.plane) == ([1, 2, 3], [1, 9, 2])
    assert (found.invented, found.lost) == ([9], [3])
    assert layout_measures.neighbours(line, line, 4, 3).invented == []


def test_one_point_has_the_neighbours_that_all_have(blobs):
    points, _ = blobs
    places = next(pca(points)).places
    for index in (0, 17, 299):
        found = layout_measures.neighbours(points, places, index, 10)
        assert found.original == nearest(points, 10)[0][index].tolist()
        assert found.plane == nearest(places, 10)[0][index].tolist()


# Measures


@pytest.mark.parametrize("k", [1, 5, 15])
def test_trustworthiness_equals_scikit_learns(k, blobs):
    for places in (next(pca(blobs[0])).places, rng().normal(size=(300, 2))):
        expected = trustworthiness(blobs[0], places, n_neighbors=k)
        assert layout_measures.trustworthiness(blobs[0], places, k) == pytest.approx(expected, abs=1e-5)
    assert layout_measures.trustworthiness(blobs[0][:, :2], blobs[0][:, :2], k) == 1


def test_knn_accuracy_equals_a_plain_leave_one_out(blobs):
    places, labels = next(pca(blobs[0])).places[:120], blobs[1][:120]
    expected = cross_val_predict(KNeighborsClassifier(10, algorithm="brute"), places, labels, cv=LeaveOneOut())
    assert layout_measures.knn_accuracy(places, labels) == (expected == labels).mean()


@pytest.mark.parametrize("n", [20, 31])
def test_few_points_can_be_measured(n, blobs):
    measured = layout_measures.quality(blobs[0][:n], blobs[0][:n, :2], blobs[1][:n])
    assert all(0 <= value <= 1 for value in measured.values())


def test_parts_of_the_table_of_pairs_add_up(blobs, unfolded, monkeypatch):
    def measures() -> list[float]:
        return [*layout_measures.quality(blobs[0], unfolded[-1].places, blobs[1]).values(),
                layout_measures.kl_divergence(blobs[0], unfolded[-1].places, 20)]  # fmt: skip

    expected = measures()
    for module in (layouts, layout_measures):
        monkeypatch.setattr(module, "PAIRS", 7 * 300)
    assert measures() == pytest.approx(expected, abs=1e-6)


# Turning


def test_aligning_never_changes_distances(unfolded):
    layout, reference = unfolded[-1].places, rng().normal(size=(300, 2)) + 5
    np.testing.assert_allclose(distances(align(layout, reference)), distances(layout), atol=1e-9)


@pytest.mark.parametrize("mirrored", [False, True])
def test_aligning_undoes_turns_mirrors_and_shifts(mirrored, unfolded):
    layout = unfolded[-1].places
    turn = np.array([[np.cos(2), -np.sin(2)], [np.sin(2), np.cos(2)]]) @ np.diag([1, -1 if mirrored else 1])
    np.testing.assert_allclose(align(layout @ turn + [30, -4], layout), layout, atol=1e-9)


def test_no_other_turn_lies_nearer():
    layout, reference = rng().normal(size=(2, 50, 2))
    aligned = align(layout, reference)
    best = ((aligned - reference) ** 2).sum()
    for angle in np.linspace(0, 2 * np.pi, 100):
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        for mirror in (1, -1):
            turned = (layout - layout.mean(axis=0)) @ turn @ np.diag([1, mirror]) + reference.mean(axis=0)
            assert ((turned - reference) ** 2).sum() >= best - 1e-9


# Placing


def test_points_placed_by_pca_land_where_they_were(blobs):
    features, _ = blobs
    layout = align(next(pca(features)).places, rng().normal(size=(300, 2)))  # as one that was turned to match
    np.testing.assert_allclose(projection(features, layout)(features[:50]), layout[:50], atol=1e-6)


def test_new_points_land_among_their_kind(blobs):
    features, labels = blobs
    *_, last = tsne(features[50:], perplexity=20, iterations=300)
    before = last.places.copy()
    placed = place_among(features[50:], last.places, features[:50])
    assert placed.shape == (50, 2)
    np.testing.assert_array_equal(last.places, before)
    apart = np.linalg.norm(placed[:, None] - last.places[None], axis=2)
    votes = labels[50:][np.argsort(apart, axis=1)[:, :10]]
    called = np.array([np.bincount(row).argmax() for row in votes])
    assert (called == labels[:50]).mean() > 0.95


def test_points_are_placed_as_opentsne_places_them(blobs):
    """Its tree with theta 0 leaves nothing out. It shifts the layout before, so that its box lies around 0."""
    known, new = blobs[0][50:].astype(float), blobs[0][:50].astype(float)
    *_, last = tsne(blobs[0][50:], perplexity=20, iterations=300)
    affinities = PerplexityBasedNN(known, 20, method="exact")
    fixed = TSNEEmbedding(last.places, affinities, negative_gradient_method="bh", theta=0.0)
    expected = np.array(fixed.transform(new)) + (last.places - np.array(fixed))[0]
    np.testing.assert_allclose(place_among(blobs[0][50:], last.places, blobs[0][:50]), expected, atol=1e-2)


def test_a_point_is_placed_alike_alone_and_among_others(blobs, unfolded):
    features, places = blobs[0], unfolded[-1].places
    together = place_among(features, places, features[:5])
    alone = place_among(features, places, features[2:3])
    np.testing.assert_allclose(together[2], alone[0], atol=1e-2)
    assert np.linalg.norm(together - places[:5], axis=1).max() < np.ptp(places) / 10
