"""Downloads against a small server on this machine that breaks off, lies, stalls and counts."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import http.server
import io
import json
import shutil
import socket
import subprocess
import sys
import tarfile
import threading
import time
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

from core import data
from core.data import download, sources, transfer
from core.data.download import DownloadError, Progress, fetch, status
from core.data.sources import File, Source

ROOT = Path(__file__).parents[2]


# A server with faults


class Server(http.server.ThreadingHTTPServer):
    """Serves ``body``; ``faults`` holds, for each coming request, what goes wrong with it (see Handler)."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.faults: list[dict] = []
        self.requests: list[str | None] = []  # the Range of each
        self.release = threading.Event()  # lets go of held answers

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{name}"

    def handle_error(self, request, client_address):
        pass  # a client that was killed


class Handler(http.server.BaseHTTPRequestHandler):
    """Faults: cut, hold (bytes after which it closes or waits), no_range, type, code, piece, extra, location."""

    def do_GET(self):
        server = self.server
        fault = server.faults.pop(0) if server.faults else {}
        server.requests.append(wanted := self.headers["Range"])
        body, start = server.files[self.path[1:]], 0
        if wanted and not fault.get("no_range"):
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        self.send_response(fault.get("code", 206 if start else 200))
        if start:
            self.send_header("Content-Range", fault.get("piece", f"bytes {start}-{len(body) - 1}/{len(body)}"))
        if "location" in fault:
            self.send_header("Location", fault["location"])
        body = body[start:] + fault.get("extra", b"")
        self.send_header("Content-Type", fault.get("type", "application/gzip"))
        if "extra" not in fault:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.send(body, **fault)

    def send(self, body: bytes, cut: int | None = None, hold: int | None = None, **_) -> None:
        if hold is not None:
            self.wfile.write(body[: hold // 2])
            time.sleep(0.05)  # longer than INTERVAL: at least one half is reported at once
            self.wfile.write(body[hold // 2 : hold])
            self.server.release.wait(30)
            body = body[hold:]
        self.wfile.write(body[:cut])

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.release.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty data folder, and no waiting."""
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(transfer, "PAUSE", 0)
    monkeypatch.setattr(download, "INTERVAL", 0.02)
    data.forget()
    yield tmp_path
    data.forget()


Cifar = namedtuple("Cifar", "archive images labels")


def tar(**members: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, body in members.items():
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name.replace('__', '.')}")
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    return packed.getvalue()


def batches(labels: int = 10) -> np.ndarray:
    """6 batches of 40 records, random: uint8 (6, 40, 3073)."""
    records = np.random.default_rng(0).integers(0, 256, (6, 40, 3073), np.uint8)
    records[..., 0] %= labels
    return records


def cifar_tar(records: np.ndarray) -> bytes:
    """Like the real archive: not in order, and with members that are not data."""
    names = ("data_batch_1__bin", "data_batch_5__bin", "data_batch_2__bin", "data_batch_3__bin", "data_batch_4__bin")
    order = (0, 4, 1, 2, 3)
    members = {name: records[number].tobytes() for name, number in zip(names, order, strict=True)}
    return tar(batches__meta__txt=b"airplane\n", **members, readme__html=b"<p>", test_batch__bin=records[5].tobytes())


@pytest.fixture
def cifar(server, monkeypatch) -> Cifar:
    records = batches()
    serve(server, monkeypatch, cifar_tar(records))
    return Cifar(server.files["cifar.tar.gz"], records[..., 1:].reshape(6, 40, 3, 32, 32), records[..., 0])


def serve(server: Server, monkeypatch, archive: bytes, **changes) -> None:
    """Serve ``archive`` as CIFAR-10."""
    server.files["cifar.tar.gz"] = archive
    digest = f"sha256:{hashlib.sha256(archive).hexdigest()}"
    file = File(**{"urls": (server.url("cifar.tar.gz"),), "size": len(archive), "digest": digest} | changes)
    monkeypatch.setitem(sources.SOURCES, "cifar10", Source((file,), sources.decode_cifar10, 1000))


def part(home: Path) -> Path:
    return home / ".downloads" / "cifar.tar.gz.part"


def wait_for(condition, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def assert_whole(cifar: Cifar) -> None:
    found = data.load("cifar10")
    np.testing.assert_array_equal(found.train.images, np.concatenate(cifar.images[:5]))
    np.testing.assert_array_equal(found.train.labels, np.concatenate(cifar.labels[:5]))
    np.testing.assert_array_equal(found.test.images, cifar.images[5])
    np.testing.assert_array_equal(found.test.labels, cifar.labels[5])


def assert_nothing(home: Path) -> None:
    assert not data.available("cifar10") and not list((home / ".cache").glob("*"))


# It works


def test_download(home, server, cifar):
    told = []
    fetch("cifar10", told.append)
    assert_whole(cifar)
    assert data.load("cifar10").note == "" and data.load("cifar10").classes == data.CIFAR10_CLASSES
    size = len(cifar.archive)
    assert [step.phase for step in told if step.phase != "downloading"] == ["checking", "unpacking", "done"]
    assert told[0] == Progress("downloading", 0, size, "Downloading CIFAR-10.")
    assert [step.received for step in told] == sorted(step.received for step in told) and told[-1].received == size
    assert status("cifar10") == told[-1]
    assert not part(home).exists() and server.requests == [None]


def test_what_is_there_is_not_downloaded_again(home, server, cifar):
    fetch("cifar10")
    told = []
    fetch("cifar10", told.append)
    assert [step.phase for step in told] == ["done"] and len(server.requests) == 1


def test_a_download_takes_the_place_of_a_folder_without_a_restart(home, cifar):
    for split in ("train", "test"):
        for label in data.CIFAR10_CLASSES:
            folder = home / "cifar10" / split / label
            folder.mkdir(parents=True)
            shutil.copy(data.EMBEDDED / "cifar10_samples/cifar10_00_3.png", folder)
    assert len(data.load("cifar10").train.labels) == 10
    fetch("cifar10")
    assert_whole(cifar)


def test_damaged_after_the_download_is_said_and_repaired(home, server, cifar):
    fetch("cifar10")
    images = data.original("cifar10") / "train_images.npy"
    images.write_bytes(images.read_bytes()[:-1])
    data.forget()
    with pytest.raises(data.DataMissing, match=r"damaged.*fetch cifar10"):
        data.load("cifar10")
    fetch("cifar10")
    assert_whole(cifar)


def test_unknown_name_lists_the_known():
    with pytest.raises(ValueError, match="Known: cifar10, fashion-mnist"):
        fetch("mnist")


def test_status_before_any_download(home):
    assert status("cifar10") is None and not list(home.iterdir())


# Interruptions


def test_a_broken_connection_is_taken_up_with_a_range(home, server, cifar):
    half = len(cifar.archive) // 2
    server.faults = [{"cut": half}]
    fetch("cifar10")
    assert server.requests == [None, f"bytes={half}-"]
    assert_whole(cifar)


def test_a_later_call_goes_on_where_an_earlier_failed(home, server, cifar):
    half = len(cifar.archive) // 2
    server.faults = [{"cut": half}, {"code": 503, "cut": 0}]
    with pytest.raises(DownloadError, match=r"127\.0\.0\.1 answered 503 Service Unavailable.*is kept.*MNIST"):
        fetch("cifar10")
    assert status("cifar10").phase == "failed" and status("cifar10").received == half == part(home).stat().st_size
    assert_nothing(home)
    fetch("cifar10")
    assert server.requests[2:] == [f"bytes={half}-"]
    assert_whole(cifar)


def test_a_server_without_range_starts_anew(home, server, cifar):
    server.faults = [{"cut": len(cifar.archive) // 2}, {"no_range": True}]
    fetch("cifar10")
    assert len(server.requests) == 2
    assert_whole(cifar)


def test_a_server_that_always_breaks_off_is_given_up(home, server, cifar):
    server.faults = [{"cut": 1000, "no_range": True}] * 50
    with pytest.raises(DownloadError, match="broke off"):
        fetch("cifar10")
    assert len(server.requests) == 2


def test_a_silent_server_is_given_up(home, server, cifar, monkeypatch):
    monkeypatch.setattr(transfer, "TIMEOUT", 0.2)
    server.faults = [{"hold": 0}, {"hold": 0}]
    with pytest.raises(DownloadError, match="silent"):
        fetch("cifar10")


def test_the_second_server_helps_when_the_first_is_down(home, server, cifar, monkeypatch):
    urls = (f"http://127.0.0.1:{free_port()}/cifar.tar.gz", server.url("cifar.tar.gz"))
    serve(server, monkeypatch, cifar.archive, urls=urls)
    fetch("cifar10")
    assert_whole(cifar)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_offline(home, server, cifar, monkeypatch):
    serve(server, monkeypatch, cifar.archive, urls=(f"http://127.0.0.1:{free_port()}/cifar.tar.gz",))
    with pytest.raises(
        DownloadError, match=r"cannot be reached \(Connection refused\). Is this machine online\?.*MNIST"
    ):
        fetch("cifar10")
    assert_nothing(home)
    assert status("cifar10").phase == "failed" and "online" in status("cifar10").message


def test_a_callback_that_raises_ends_the_download_and_keeps_what_came(home, server, cifar):
    def leave(progress: Progress) -> None:
        if progress.received:
            raise KeyboardInterrupt

    server.faults = [{"cut": 5000}]
    with pytest.raises(KeyboardInterrupt):
        fetch("cifar10", leave)
    assert part(home).stat().st_size >= 5000 and status("cifar10").phase == "failed"
    fetch("cifar10")
    assert_whole(cifar)


# Not what was expected


@pytest.mark.parametrize(
    "fault",
    [
        {"type": "text/html; charset=utf-8"},
        {"extra": b"x"},
        {"code": 302, "location": "http://example.org/cifar.tar.gz"},
    ],
)
def test_something_else_is_thrown_away(home, server, cifar, fault):
    server.faults = [fault]
    with pytest.raises(DownloadError, match=r"not what was expected.*login page.*MNIST"):
        fetch("cifar10")
    assert not part(home).exists() and status("cifar10").phase == "failed"
    assert_nothing(home)
    fetch("cifar10")
    assert_whole(cifar)


def test_another_piece_than_asked_for_is_thrown_away(home, server, cifar):
    server.faults = [{"cut": 5000}, {"piece": "bytes 0-9/10"}]
    with pytest.raises(DownloadError, match="not what was expected"):
        fetch("cifar10")
    assert not part(home).exists()


@pytest.mark.parametrize("changes", [{"digest": "sha256:" + 64 * "0"}, {"digest": "md5:" + 32 * "0"}, {"size": 1000}])
def test_another_checksum_or_size_is_thrown_away(home, server, cifar, monkeypatch, changes):
    serve(server, monkeypatch, cifar.archive, **changes)
    with pytest.raises(DownloadError, match="not what was expected"):
        fetch("cifar10")
    assert not part(home).exists()
    assert_nothing(home)


@pytest.mark.parametrize(
    "archive",
    [
        cifar_tar(batches())[:-2000],
        b"no archive",
        tar(data_batch_1__bin=bytes(3073)),
        cifar_tar(batches()[:, :0]),
        cifar_tar(batches()[..., :-1]),
        cifar_tar(batches(labels=11)),
    ],
    ids=["truncated", "no archive", "batches missing", "no records", "broken records", "label 10"],
)
def test_an_archive_that_cannot_be_decoded_is_thrown_away(home, server, monkeypatch, archive):
    serve(server, monkeypatch, archive)
    with pytest.raises(DownloadError, match="not what was expected"):
        fetch("cifar10")
    assert not part(home).exists()
    assert_nothing(home)


@pytest.mark.parametrize("url", ["http://example.org/x", "ftp://127.0.0.1/x", "file:///etc/passwd"])
def test_only_https(tmp_path, url):
    with pytest.raises(transfer.Unexpected, match="without https"):
        transfer.receive((url,), tmp_path / "x.part", 10, lambda: None)
    assert all(
        url.startswith("https://") for source in sources.SOURCES.values() for f in source.files for url in f.urls
    )


# The disk


def test_too_little_space_is_said_before_anything_is_asked(home, server, cifar, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: namedtuple("Usage", "free")(500))
    with pytest.raises(DownloadError, match=r"CIFAR-10 needs 1 MB of free space in .*, there are 0 MB. MNIST"):
        fetch("cifar10")
    assert not server.requests


def test_a_disk_that_fills_up_while_unpacking(home, cifar, monkeypatch):
    full = OSError(28, "No space left on device")
    with monkeypatch.context() as patch, pytest.raises(DownloadError, match=r"stored in .*No space left"):
        patch.setattr("core.data.dataset._write_files", lambda *_: (_ for _ in ()).throw(full))
        fetch("cifar10")
    assert_nothing(home)
    fetch("cifar10")
    assert_whole(cifar)


def test_a_data_folder_that_cannot_be_written(home, cifar, monkeypatch):
    (home / "file").write_text("")
    monkeypatch.setenv("EXPLORER_DATA", str(home / "file"))
    with pytest.raises(DownloadError, match="is not writable"):
        fetch("cifar10")


# Several at once


@contextlib.contextmanager
def another_process():
    """A process that downloads the same file."""
    script = (
        "from core.data import download, sources, transfer\n"
        "file = sources.File(('{0.urls[0]}',), {0.size}, '{0.digest}')\n"
        "download.INTERVAL = 0.02\n"
        "sources.SOURCES['cifar10'] = sources.Source((file,), sources.decode_cifar10, 1000)\n"
        "download.fetch('cifar10')\n"
    ).format(sources.SOURCES["cifar10"].files[0])
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.kill()


@contextlib.contextmanager
def in_thread(told: list, raised: list):
    def run():
        try:
            fetch("cifar10", told.append)
        except DownloadError as error:
            raised.append(str(error))

    thread = threading.Thread(target=run)
    thread.start()
    yield
    thread.join(30)
    assert not thread.is_alive()


def test_threads_share_one_download(home, server, cifar):
    server.faults = [{"hold": 4000}]
    told, raised = [[] for _ in range(4)], []
    with contextlib.ExitStack() as stack:
        for each in told:
            stack.enter_context(in_thread(each, raised))
        wait_for(lambda: all(told) and status("cifar10").received >= 2000)
        server.release.set()
    assert not raised and server.requests == [None] and all(each[-1].phase == "done" for each in told)
    assert_whole(cifar)


def test_another_process_is_followed(home, server, cifar):
    server.faults = [{"hold": 4000}]
    told, raised = [], []
    with another_process() as process:
        wait_for(lambda: (now := status("cifar10")) and now.received >= 2000)
        now = status("cifar10")
        assert now == Progress("downloading", now.received, len(cifar.archive), "Downloading CIFAR-10.")
        with in_thread(told, raised):
            wait_for(lambda: told)
            assert told[0].phase == "downloading" and 2000 <= told[0].received <= 4000
            server.release.set()
        assert process.wait(30) == 0
    assert not raised and told[-1].phase == "done" and server.requests == [None]
    assert_whole(cifar)


def test_who_follows_shares_the_failure(home, server, cifar):
    server.faults = [{"hold": 4000, "cut": 0}, {"code": 404, "cut": 0}]
    told, raised = [[], []], []
    with in_thread(told[0], raised), in_thread(told[1], raised):
        wait_for(lambda: all(told))
        server.release.set()
    assert len(server.requests) == 2 and len(raised) == 2 and raised[0] == raised[1] and "404" in raised[0]


def test_a_killed_process_leaves_no_data_set_and_the_next_goes_on(home, server, cifar):
    server.faults = [{"hold": 4000}]
    with another_process() as process:
        wait_for(lambda: transfer.size_of(part(home)) == 4000)
        process.kill()
    assert status("cifar10").phase == "failed" and "interrupted" in status("cifar10").message
    assert_nothing(home)
    fetch("cifar10")
    assert server.requests == [None, "bytes=4000-"]
    assert_whole(cifar)


def test_who_follows_a_process_that_is_killed_takes_over(home, server, cifar):
    server.faults = [{"hold": 4000}]
    told, raised = [], []
    with another_process() as process:
        wait_for(lambda: transfer.size_of(part(home)) == 4000)
        with in_thread(told, raised):
            wait_for(lambda: told)
            process.kill()
    assert not raised and server.requests == [None, "bytes=4000-"]
    assert_whole(cifar)


def test_a_progress_file_that_is_no_progress_is_as_none(home):
    record = home / ".downloads" / "cifar10.json"
    record.parent.mkdir()
    for text in ("", "[]", "{", json.dumps({"phase": "done"})):
        record.write_text(text)
        assert status("cifar10") is None


# Fashion-MNIST


def idx(array: np.ndarray) -> bytes:
    sizes = np.array(array.shape, ">i4").tobytes()
    return gzip.compress(bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes())


@pytest.fixture
def fashion(server, monkeypatch) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    arrays = {
        "train-images.gz": random.integers(0, 256, (30, 28, 28)),
        "train-labels.gz": random.integers(0, 10, 30),
        "test-images.gz": random.integers(0, 256, (20, 28, 28)),
        "test-labels.gz": random.integers(0, 10, 20),
    }
    server.files |= {name: idx(array) for name, array in arrays.items()}
    list_fashion(server, monkeypatch)
    return arrays


def list_fashion(server: Server, monkeypatch) -> None:
    files = tuple(
        File((server.url(name),), len(body), f"md5:{hashlib.md5(body, usedforsecurity=False).hexdigest()}")
        for name, body in server.files.items()
    )
    monkeypatch.setitem(sources.SOURCES, "fashion-mnist", Source(files, sources.decode_fashion_mnist, 1000))


def test_fashion_mnist(home, server, fashion):
    server.faults = [{"cut": 2000}]
    told = []
    fetch("fashion-mnist", told.append)
    found = data.load("fashion-mnist")
    assert found.title == "Fashion-MNIST" and found.train.images.shape == (30, 1, 28, 28)
    np.testing.assert_array_equal(found.train.images[:, 0], fashion["train-images.gz"])
    np.testing.assert_array_equal(found.train.labels, fashion["train-labels.gz"])
    np.testing.assert_array_equal(found.test.images[:, 0], fashion["test-images.gz"])
    np.testing.assert_array_equal(found.test.labels, fashion["test-labels.gz"])
    assert server.requests == [None, "bytes=2000-", None, None, None]
    assert told[-1].received == told[-1].total == sum(map(len, server.files.values()))


@pytest.mark.parametrize(
    "body",
    [b"no gzip", gzip.compress(b"no idx"), idx(np.zeros(3)), idx(np.zeros((30, 28)))],
    ids=["no gzip", "no idx", "labels", "not square"],  # the bytes tell the time
)
def test_fashion_mnist_files_that_are_none_are_thrown_away(home, server, fashion, monkeypatch, body):
    server.files["train-images.gz"] = body
    list_fashion(server, monkeypatch)
    with pytest.raises(DownloadError, match="not what was expected"):
        fetch("fashion-mnist")
    assert not data.available("fashion-mnist") and not list((home / ".downloads").glob("*.part"))


def test_fashion_mnist_is_torchvisions():
    from torchvision.datasets import FashionMNIST

    ours = [(file.name, file.digest) for file in sources.FASHION_MNIST]
    assert sorted(ours) == sorted((name, f"md5:{md5}") for name, md5 in FashionMNIST.resources)
    assert list(data.FASHION_MNIST_CLASSES) == FashionMNIST.classes
