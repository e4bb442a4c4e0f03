"""core/char_rnn: a training equal to a naive one, a held-out text never trained on, figures that mean what they say."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from core import __main__ as command_line
from core import char_rnn, course, runs
from core.char_rnn import CharRNN, Config, Progress, measures
from core.char_rnn.recurrent import MODULES, Memory
from core.char_rnn.writing import write
from core.data import corpus, vocabulary
from core.data.corpus import Corpus
from core.rng import generator
from core.runs import Diverged, RunError, recorder


def settings(**changes) -> Config:
    return Config(**{"hidden": 12, "layers": 1, "iterations": 4, "chunk": 10, "batch": 4, **changes})


@pytest.fixture(scope="module")
def plays() -> Corpus:
    """The first and last lines of the embedded text."""
    whole = corpus.load("shakespeare").text
    return Corpus("shakespeare", "some lines", whole[:19_000] + whole[-1000:], "lines")


@pytest.fixture(scope="module")
def chant() -> Corpus:
    """A text that can be learned by heart."""
    return Corpus("own-", "a chant", "Round about the cauldron go;\n" * 100, "chant")


# The network


@pytest.mark.parametrize("cell, gates", [("gru", 3), ("lstm", 4), ("rnn", 1)])
def test_the_network_has_the_sizes_of_the_course(cell, gates):
    model = char_rnn.build(Config(cell=cell))
    assert type(model.rnn) is {"gru": nn.GRU, "lstm": nn.LSTM, "rnn": nn.RNN}[cell]
    layer = gates * (100 * 100 + 100 * 100 + 100 + 100)
    assert sum(p.numel() for p in model.parameters()) == 100 * 100 + 2 * layer + 100 * 100 + 100
    assert model(torch.zeros(3, 7, dtype=torch.long)).shape == (3, 7, 100)


@pytest.mark.parametrize("cell", MODULES)
def test_the_quick_loss_is_that_of_the_network_as_it_is_written_down(cell):
    model = char_rnn.build(settings(cell=cell, layers=2))
    x = torch.randint(100, (31, 5), generator=generator(0, "test"))
    wanted = F.cross_entropy(model(x[:-1].t()).flatten(0, 1), x[1:].t().flatten())
    torch.testing.assert_close(model.loss(x, Memory()), wanted)


@pytest.mark.parametrize("change", [{"lr": 0.1}, {"batch": 7}, {"chunk": 9}, {"clip": 1.0}, {"iterations": 9}], ids=str)
def test_a_and_b_begin_with_the_same_weights(change):
    a, b = (char_rnn.build(config).state_dict() for config in (settings(), settings(**change)))
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_cells_share_what_they_can():
    a, b, c = (char_rnn.build(settings(cell=cell)) for cell in MODULES)
    for other in (b, c):
        assert torch.equal(a.embedding.weight, other.embedding.weight)
        assert torch.equal(a.linear.weight, other.linear.weight)
        assert torch.equal(a.linear.bias, other.linear.bias)
    assert not torch.equal(a.embedding.weight, char_rnn.build(settings(seed=1)).embedding.weight)


@pytest.mark.parametrize("cell", MODULES)
def test_initial_weights_are_distributed_as_those_of_torch(cell):
    model = char_rnn.build(Config(cell=cell))
    assert model.embedding.weight.std().item() == pytest.approx(1, abs=0.05)
    for parameter in (*model.rnn.parameters(), *model.linear.parameters()):
        assert parameter.abs().max().item() == pytest.approx(0.1, rel=0.05)
        assert parameter.abs().max() <= 0.1
        assert parameter.std().item() == pytest.approx(0.1 / math.sqrt(3), rel=0.15)


@pytest.mark.parametrize("cell", MODULES)
def test_a_restored_network_gives_the_same_answers_and_is_frozen(cell):
    config = settings(cell=cell, layers=2)
    model = char_rnn.build(config)
    restored = char_rnn.restore(config, model.state_dict())
    x = torch.randint(100, (2, 9), generator=generator(0, "test"))
    torch.testing.assert_close(restored(x), model(x))
    assert not any(p.requires_grad for p in restored.parameters())


DAMAGED = {
    "nothing": lambda state: {},
    "another cell": lambda state: char_rnn.build(settings(cell="lstm")).state_dict(),
    "a layer too many": lambda state: char_rnn.build(settings(layers=2)).state_dict(),
    "other sizes": lambda state: char_rnn.build(settings(hidden=13)).state_dict(),
    "no weights": lambda state: None,
}


@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED)
def test_weights_of_another_network_are_refused(damage):
    with pytest.raises(RunError, match="The weights are not those of a char-RNN"):
        char_rnn.restore(settings(), damage(char_rnn.build(settings()).state_dict()))


# The config

REFUSED = {  # what is asked for, and words of the answer
    "unknown cell": ({"cell": "gpt"}, ["'gpt'", "gru, lstm, rnn"]),
    "a path for a text": ({"text": "../secrets"}, ["'../secrets'", "shakespeare", "own-…"]),
    "no text": ({"text": ""}, ["text"]),
    "no layer": ({"layers": 0}, ["layers", "1", "4"]),
    "too many layers": ({"layers": 5}, ["layers", "1", "4"]),
    "too many units": ({"hidden": 513}, ["hidden", "512"]),
    "no iteration": ({"iterations": 0}, ["iterations", "100000"]),
    "chunks too long": ({"chunk": 2001}, ["chunk", "2000"]),
    "no chunk": ({"chunk": 0}, ["chunk", "1"]),
    "half a batch": ({"batch": 1.5}, ["batch", "1.5"]),
    "no learning rate": ({"lr": 0.0}, ["lr", "1e-07"]),
    "no number for a learning rate": ({"lr": math.nan}, ["lr", "nan"]),
    "a negative limit": ({"clip": -1.0}, ["clip", "0"]),
    "true for a seed": ({"seed": True}, ["seed", "True"]),
    "nothing for a cell": ({"cell": None}, ["cell"]),
    "more than memory holds": (
        {"layers": 4, "hidden": 512, "batch": 1000, "chunk": 200},
        ["layers × hidden × batch × chunk", "40,000,000", "smaller batch"],
    ),
}


@pytest.mark.parametrize("changes, words", REFUSED.values(), ids=REFUSED)
def test_a_wrong_setting_is_refused_with_what_is_possible(changes, words):
    with pytest.raises(ValueError, match=r"\.$") as caught:
        settings(**changes)
    assert [word for word in words if word not in str(caught.value)] == []


def test_1_and_1_0_are_one_run_with_one_name():
    one, same = Config(clip=1, lr=1), Config(clip=1.0, lr=1.0)
    assert runs.run_name("char_rnn", one) == runs.run_name("char_rnn", same)
    assert runs.run_name("char_rnn", Config()).startswith("char-rnn-shakespeare-gru-lr0.01-i2000-s42-")
    assert runs.command("char_rnn", Config(cell="lstm", seed=3)) == "python -m core train char_rnn --cell lstm --seed 3"


# Batches


def test_chunks_are_stretches_of_the_training_text_in_an_order_of_the_seed(plays):
    codes = char_rnn.training_codes(settings(), plays)
    assert vocabulary.decode(codes.numpy()) == plays.train
    first, again, other = (generator(seed, "batches") for seed in (1, 1, 2))
    batches = [char_rnn.chunks(codes, settings(), first) for _ in range(5)]
    for batch in batches:
        assert batch.shape == (11, 4)
        assert all(vocabulary.decode(chunk) in plays.train for chunk in batch.t().numpy())
        assert torch.equal(batch, char_rnn.chunks(codes, settings(), again))
    assert not torch.equal(batches[0], char_rnn.chunks(codes, settings(), other))
    assert len({tuple(chunk.tolist()) for batch in batches for chunk in batch.t()}) == 20


def test_every_place_of_the_training_text_is_reached_and_none_beyond():
    codes = torch.arange(14)
    found = char_rnn.chunks(codes, settings(batch=1000), generator(0, "batches"))
    assert sorted(set(found[0].tolist())) == [0, 1, 2, 3]
    assert found[-1].max() == 13


def test_a_text_shorter_than_a_chunk_is_refused_in_a_sentence(plays):
    tiny = Corpus("own-", "", plays.text[:2000], "")
    list(char_rnn.train(settings(chunk=1899, iterations=1), tiny))
    with pytest.raises(
        ValueError, match=r"has 1,900 characters to train on, too few for chunks of 1,900: choose shorter"
    ):
        list(char_rnn.train(settings(chunk=1900), tiny))


# Training


def naive(config: Config, text: Corpus) -> tuple[list[float], list[float], CharRNN]:
    """Train as the course did, character by character: losses and gradient norms of all iterations, and the network."""
    model = char_rnn.build(config)
    optimizer = torch.optim.Adam(model.parameters(), config.lr)
    order, codes = generator(config.seed, "batches"), char_rnn.training_codes(config, text)
    losses, norms = [], []
    for _ in range(config.iterations):
        x, state, loss = char_rnn.chunks(codes, config, order), None, 0
        for t in range(config.chunk):
            out, state = model.rnn(model.embedding(x[t])[:, None], state)
            loss = loss + F.cross_entropy(model.linear(out[:, 0]), x[t + 1]) / config.chunk
        optimizer.zero_grad()
        loss.backward()
        limit = config.clip or math.inf
        norms.append(nn.utils.clip_grad_norm_(model.parameters(), limit).item())
        optimizer.step()
        losses.append(loss.item())
    return losses, norms, model


@pytest.mark.parametrize("clip", [0.0, 0.05])
@pytest.mark.parametrize("cell", MODULES)
def test_training_equals_a_naive_loop(cell, clip, plays, monkeypatch):
    monkeypatch.setattr(char_rnn, "RECORD_EVERY", 1)
    config = settings(cell=cell, layers=2, iterations=6, clip=clip)
    losses, norms, wanted = naive(config, plays)
    model = char_rnn.build(config)
    records = list(char_rnn.train(config, plays, model))[1:]
    assert [record.loss for record in records] == pytest.approx(losses, rel=1e-5)
    assert [record.gradient for record in records] == pytest.approx(norms, rel=1e-3)
    assert min(norms) > 0.05
    for got, weight in zip(model.parameters(), wanted.parameters(), strict=True):
        torch.testing.assert_close(got, weight, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("cell", MODULES)
def test_it_learns_a_chant_by_heart(cell, chant):
    config = settings(cell=cell, hidden=32, iterations=120, chunk=30, batch=8)
    model = char_rnn.build(config)
    records = list(char_rnn.train(config, chant, model))
    shares = np.bincount(vocabulary.encode(chant.train)) / len(chant.train)
    baseline = -sum(p * math.log(p) for p in shares if p)  # of who knows how frequent each character is, and no more
    assert records[0].heldout_loss > 4
    assert records[-1].heldout_loss < baseline / 10 < 0.3
    assert records[-1].loss < baseline / 10
    line = "Round about the cauldron go;\n"
    steps = write(char_rnn.Network(model), line, len(line), temperature=0)
    assert "".join(step.char for step in steps) == line


def test_the_same_config_gives_the_same_numbers_and_another_seed_others(plays):
    first, again, other = (list(char_rnn.train(settings(seed=seed), plays)) for seed in (1, 1, 2))
    assert first == again
    assert first[1].loss != other[1].loss


def test_the_global_state_of_torch_decides_nothing(plays):
    torch.manual_seed(0)
    first = list(char_rnn.train(settings(), plays))
    torch.manual_seed(1)
    torch.rand(3)
    assert list(char_rnn.train(settings(), plays)) == first


def test_records_come_where_something_is_due(plays, monkeypatch):
    monkeypatch.setattr(char_rnn, "RECORD_EVERY", 30 * 40)  # characters: 30 iterations
    monkeypatch.setattr(measures, "STRETCH", 50)
    records = list(char_rnn.train(settings(iterations=210, hidden=4), plays))
    steps = [0, 30, 50, 60, 90, 100, 120, 150, 180, 200, 210]
    assert [record.step for record in records] == steps
    assert {record.steps for record in records} == {210}
    assert [r.step for r in records if r.sample is not None] == [0, 50, 100, 150, 200, 210]
    assert [r.step for r in records if r.heldout_loss is not None] == [0, 100, 200, 210]
    assert [r.step for r in records if r.snapshot] == [0, 100, 200, 210]
    assert [r.loss is None for r in records] == [r.gradient is None for r in records] == [True, *[False] * 10]


def test_snapshots_of_the_course_are_kept():
    assert [step for step in range(2001) if Progress(step, 2000).snapshot] == [0, 100, 200, 500, 1000, 2000]
    assert Progress(37, 37).snapshot
    assert not Progress(37, 38).snapshot


def test_a_record_is_the_mean_since_the_last(plays, monkeypatch):
    monkeypatch.setattr(char_rnn, "RECORD_EVERY", 1)
    each = list(char_rnn.train(settings(iterations=7), plays))[1:]
    monkeypatch.setattr(char_rnn, "RECORD_EVERY", 4 * 40)
    four, three = list(char_rnn.train(settings(iterations=7), plays))[1:]
    for name in ("loss", "gradient"):
        values = [getattr(record, name) for record in each]
        assert getattr(four, name) == pytest.approx(np.mean(values[:4]))
        assert getattr(three, name) == pytest.approx(np.mean(values[4:]))


def test_samples_are_what_the_network_writes(plays):
    model = char_rnn.build(settings())
    for record in char_rnn.train(settings(), plays, model):
        if record.sample is not None:
            steps = write(char_rnn.Network(model), "The", 300, 0.8)
            assert record.sample.decode("ascii") == "The" + "".join(step.char for step in steps)


def test_records_are_plain_values_for_json(plays):
    for record in char_rnn.train(settings(), plays):
        values = {**dataclasses.asdict(record), "sample": None}
        assert json.loads(json.dumps(values, allow_nan=False)) == values
        assert {type(v) for v in values.values()} <= {int, float, type(None)}


def test_modes_do_not_leak_to_whoever_reads_the_records(plays):
    model = char_rnn.build(settings())
    records = char_rnn.train(settings(), plays, model)
    for _ in range(2):
        next(records)
        assert torch.is_grad_enabled()
        assert not torch.is_inference_mode_enabled()
        assert model.training
        assert (model.linear.weight * 2).requires_grad
    records.close()


def test_a_loss_without_bounds_is_reported_with_its_step(plays):
    model, found = char_rnn.build(settings()), []
    with torch.no_grad():
        model.linear.weight.fill_(1e38)
        model.embedding.weight.fill_(3)
    with pytest.raises(Diverged, match=r"at step [01]: try a lower learning rate\.$"):
        found += char_rnn.train(settings(), plays, model)
    assert found == []


@pytest.mark.parametrize("due", ["SAMPLE_EVERY", "HELDOUT_EVERY"])
def test_weights_that_became_infinite_in_a_step_are_reported_where_they_are_used(due, plays, monkeypatch):
    """The loss of a step is known before the step: only what is measured after it can show what it did."""
    real = torch.optim.Adam.step

    def explode(self: torch.optim.Adam) -> None:
        real(self)
        self.param_groups[0]["params"][0].data.mul_(math.inf)

    monkeypatch.setattr(torch.optim.Adam, "step", explode)
    monkeypatch.setattr(char_rnn, due, 1)
    found = []
    with pytest.raises(Diverged) as caught:
        for record in char_rnn.train(settings(), plays):
            found.append(record)
    assert caught.value.step == 1
    assert [record.step for record in found] == [0]


# Measuring


@pytest.mark.parametrize("stretch", [1000, 100, 7])
@pytest.mark.parametrize("cell", MODULES)
def test_the_held_out_loss_counts_every_character_but_the_first_once(cell, stretch, plays, monkeypatch):
    monkeypatch.setattr(measures, "STRETCH", stretch)
    model, held = char_rnn.build(settings(cell=cell)), plays.heldout
    codes = torch.from_numpy(vocabulary.encode(held)).long()
    rows = math.ceil((len(held) - 1) / stretch)
    length = math.ceil((len(held) - 1) / rows)
    total = 0.0
    for start in range(0, len(held) - 1, length):
        part = codes[start : start + length + 1]
        total += F.cross_entropy(model(part[None, :-1])[0], part[1:], reduction="sum").item()
    assert char_rnn.evaluate(model, plays) == pytest.approx(total / (len(held) - 1), rel=1e-5)


def test_how_many_stretches_are_read_at_once_does_not_matter(plays, monkeypatch):
    monkeypatch.setattr(measures, "STRETCH", 100)
    model = char_rnn.build(settings())
    wanted = char_rnn.evaluate(model, plays)
    monkeypatch.setattr(measures, "LARGEST", 3 * 100 * 12)
    assert char_rnn.evaluate(model, plays) == pytest.approx(wanted, rel=1e-6)


def test_headline_figures(plays):
    model = char_rnn.build(settings())
    measured = char_rnn.measure(model, plays)
    loss = char_rnn.evaluate(model, plays)
    assert measured == {"heldout_loss": loss, "heldout_perplexity": math.exp(loss)}


HISTORIES = {  # steps of the records; losses are the steps themselves, so that a mean tells what was counted
    "every iteration": (range(0, 301), range(201, 301)),
    "fewer than 100": (range(0, 41), range(1, 41)),
    "one": (range(0, 2), range(1, 2)),
}


@pytest.mark.parametrize("steps, counted", HISTORIES.values(), ids=HISTORIES)
def test_the_training_loss_is_the_mean_of_the_last_100_iterations(steps, counted):
    history = [{"step": step, "loss": step / 100} for step in steps]
    del history[0]["loss"]
    wanted = np.mean(counted) / 100
    found = char_rnn.summary(history)
    assert found["train_loss"] == pytest.approx(wanted)
    assert found["train_perplexity"] == pytest.approx(math.exp(wanted))


def test_records_of_several_iterations_count_as_many_times():
    history = [
        {"step": 0},
        *({"step": s, "loss": loss} for s, loss in ((100, 9.0), (150, 3.0), (180, 2.0), (200, 1.0))),
    ]
    assert char_rnn.summary(history)["train_loss"] == pytest.approx((50 * 3 + 30 * 2 + 20 * 1) / 100)


# As a run

OWN = "Sweet are the uses of adversity,\nWhich, like the toad, ugly and venomous,\n" * 40


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> runs.Run:
    """A run on a text of one's own."""
    config = settings(text=corpus.keep(corpus.own(OWN)), cell="lstm", iterations=60)
    path = tmp_path_factory.mktemp("runs") / "char_rnn" / runs.run_name("char_rnn", config)
    queued = recorder.create(path, "char_rnn", config)
    found = recorder.perform(path)
    queued.release()
    return found


@pytest.fixture
def at_home(run, monkeypatch) -> runs.Run:
    """The run, where commands look for it."""
    monkeypatch.setenv("EXPLORER_RUNS", str(run.path.parents[1]))
    return run


def test_a_run_on_a_text_of_ones_own_is_recorded_with_its_samples(run):
    assert (run.status, run.reason, run.data["name"]) == ("done", "", run.config["text"])
    assert run.name.startswith(f"char-rnn-{run.config['text']}-lstm-")
    assert (run.steps, run.samples) == ([0, 60], [0, 50, 60])
    assert run.sample(60).startswith(b"The")
    assert len(run.sample(60)) == 303
    assert list(run.metrics) == ["heldout_loss", "heldout_perplexity", "train_loss", "train_perplexity"]
    assert run.metrics["train_loss"] == char_rnn.summary(run.history())["train_loss"]
    assert "sample" not in run.history()[-1]


def test_eval_measures_what_was_recorded(at_home, capsys):
    assert command_line.main(["eval", at_home.name]) == 0
    assert json.loads(capsys.readouterr().out)["equal"] is True


def test_a_run_whose_text_is_gone_fails_with_a_sentence(tmp_path):
    path = tmp_path / "char_rnn/one"
    recorder.create(path, "char_rnn", settings(text="own-" + "0" * 16)).release()
    found = recorder.perform(path)
    assert (found.status, found.reason) == (
        "failed",
        "The text own-0000000000000000 is not on this machine: upload it once more.",
    )


def test_a_run_on_too_short_a_text_fails_with_a_sentence(tmp_path):
    path = tmp_path / "char_rnn/one"
    recorder.create(path, "char_rnn", settings(text=corpus.keep(corpus.own(OWN[:2100])), chunk=2000)).release()
    found = recorder.perform(path)
    assert found.status == "failed"
    assert "too few for chunks of 2,000: choose shorter chunks." in found.reason


def test_the_network_of_a_run_is_read_once_a_step(run):
    last, first = char_rnn.network(run), char_rnn.network(run, 0)
    assert char_rnn.network(run, 60) is last is not first
    assert char_rnn.network(runs.read(run.path)) is last
    model = char_rnn.restore(recorder.config_of(run), run.weights())
    assert np.array_equal(last.step(last.start(), 3)[1], char_rnn.Network(model).step(last.start(), 3)[1])
    with pytest.raises(RunError, match="has no weights of step 7"):
        char_rnn.network(run, 7)


SAMPLE = ["--prime", "What is", "--length", "100", "--temperature", "0.8", "--seed", "1"]


def sampled(run: runs.Run, capsys, *arguments: str) -> tuple[str, str]:
    assert command_line.main(["sample", run.name, *arguments]) == 0
    return capsys.readouterr()


def test_sample_prints_the_same_text_every_time(at_home, capsys):
    first, again, other = (sampled(at_home, capsys, *SAMPLE[:-1], seed).out for seed in "112")
    assert first == again != other
    assert first.startswith("What is")
    assert len(first) == len("What is") + 100 + 1


def test_sample_at_temperature_0_is_the_most_probable_character_each_time(at_home, capsys):
    said = sampled(at_home, capsys, "--temperature", "0", "--step", "0").out
    network = char_rnn.network(at_home, 0)
    model = char_rnn.restore(recorder.config_of(at_home), at_home.weights(0))
    text = "The"
    for _ in range(100):
        text += vocabulary.VOCABULARY[model(torch.from_numpy(vocabulary.encode(text)).long()[None])[0, -1].argmax()]
    assert said == text + "\n"
    assert text[3:] == "".join(step.char for step in write(network, "The", 100, temperature=0))


def test_sample_says_what_it_does_to_a_prime(at_home, capsys):
    said = sampled(at_home, capsys, "--prime", "caf\u00e9", "--length", "3")
    assert said.out.startswith("caf")
    assert said.err == "Left out 1 character that the network does not know: é latin small letter e with acute.\n"
    said = sampled(at_home, capsys, "--prime", "")
    assert said.out.startswith("\n")
    assert "starts from a newline" in said.err


def test_sample_refuses_what_makes_no_sense(at_home, capsys):
    for arguments in (["--temperature", "-1"], ["--top-k", "101"], ["--step", "7"], ["--length", "-1"]):
        assert command_line.main(["sample", at_home.name, *arguments]) == 2
        said = capsys.readouterr()
        assert (said.out, said.err.count("\n")) == ("", 1)


def test_sample_of_a_run_that_does_not_write_is_a_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("EXPLORER_RUNS", str(tmp_path))
    from core.classifier import Config as Other

    (tmp_path / "classifier/one").mkdir(parents=True)
    recorder.Recorder(Path(tmp_path / "classifier/one"), "classifier", Other()).update()
    assert command_line.main(["sample", "one"]) == 2
    assert "one does not write: it is a run of classifier, not of char_rnn." in capsys.readouterr().err


# The course


def test_the_losses_of_the_course_stand_at_its_settings_alone():
    losses = course.training_losses(Config(seed=7, iterations=500))
    assert losses == course.training_losses(Config())
    assert (losses[0], losses[-1], len(losses)) == ((100, 1.7783), (2000, 1.3524), 20)
    for other in ({"cell": "lstm"}, {"lr": 0.1}, {"clip": 1.0}, {"hidden": 50}, {"text": "own-" + "0" * 16}):
        assert course.training_losses(Config(**other)) is None


def test_every_prime_of_the_course_can_be_read():
    assert len(course.PRIMES) == 7
    assert all(vocabulary.prime(prime) == vocabulary.Prime(prime, ()) for prime in course.PRIMES)
