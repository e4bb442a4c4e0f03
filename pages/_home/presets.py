"""Settings that both the cards and the table lead to: the classifier's, as the course had it."""

from __future__ import annotations

COURSE = {"clf_data": "CIFAR-10", "clf_a_lr": "0.001", "clf_b_lr": "0.001"}
RELU = {"clf_a_activation": "LeakyReLU", "clf_b_activation": "LeakyReLU"}
SGD_ADAM = {**COURSE, **RELU, "clf_a_optimizer": "SGD", "clf_b_optimizer": "Adam"}
TANH = {**COURSE, **RELU, "clf_a_optimizer": "Adam", "clf_b_optimizer": "Adam", "clf_b_activation": "Tanh"}
