"""Publishing to a real S3 server: a reader sees the old repository or the new one, however the writer ends."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from full_profile import blank_profile, item
from made_points import rate
from narrowing import known
from support import environment, write_network

from porting.repository import Repository
from porting.repository.publishing.upload import upload
from porting.repository.publishing.writer import publish
from porting.repository.storage import Storage
from profiler.common.errors import BadInputError, DnnPortingError
from profiler.records.throughput import MaximalThroughput

pytestmark = pytest.mark.integration
LIMIT_BYTES = 1 << 20
# It tells when the upload begins and when it is done.
UPLOAD = """
import fsspec, sys
from porting.repository.publishing.upload import upload

fsspec.filesystem("s3").exists(sys.argv[2])
print(flush=True)
upload(sys.argv[1], sys.argv[2])
print(flush=True)
"""
# For each number that it reads, a process ends when it would send one object more than that; its exit code is told.
UPLOADS_THAT_DIE = """
import os, sys
from s3fs import S3FileSystem
from porting.repository.publishing.upload import upload

left = 0

def dying(put):
    async def counted(*arguments, **options):
        global left
        if not left:
            os._exit(9)
        left -= 1
        return await put(*arguments, **options)
    return counted

S3FileSystem._put_file = dying(S3FileSystem._put_file)
S3FileSystem._pipe_file = dying(S3FileSystem._pipe_file)
for line in sys.stdin:
    writer = os.fork()
    if not writer:
        left = int(line)
        upload(sys.argv[1], sys.argv[2])
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(writer, 0)[1]), flush=True)
"""


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The file system of an S3 server on loopback, with a bucket."""
    from moto.server import ThreadedMotoServer
    from s3fs import S3FileSystem

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    own = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_CONFIG_FILE": str(tmp_path_factory.mktemp("none") / "config"),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in own.items():
            patch.setenv(name, value)
        S3FileSystem.clear_instance_cache()
        filesystem = S3FileSystem()
        filesystem.mkdir("bucket", region_name="eu-central-1")
        yield filesystem
    S3FileSystem.clear_instance_cache()
    server.stop()


@pytest.fixture
def url(s3: Any) -> Iterator[str]:
    """An empty store."""
    yield "s3://bucket/some/store"
    if s3.exists("bucket/some"):
        s3.rm("bucket/some", recursive=True)


def published(folder: Path, bias: float) -> Path:
    """A repository of two variants; `bias` tells it from others."""
    folder.mkdir()
    items = []
    for name, accuracy, images_per_s in (("digits-a", 0.9, 500.0), ("digits-b", 0.8, 900.0)):
        best = (rate(MaximalThroughput, 1, 4, images_per_s),)
        made = item(name, blank_profile(max_throughput=best), folder, accuracy)
        digest = sha256(write_network(made.onnx, bias=bias).read_bytes()).hexdigest()
        items.append(replace(made, details=made.details.model_copy(update={"onnx_sha256": digest})))
    publish(folder / "repository", items)
    return folder / "repository"


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return published(tmp_path_factory.mktemp("repositories") / "old", bias=1)


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return published(tmp_path_factory.mktemp("repositories") / "new", bias=2)


def release(repository: Path) -> str:
    """What a store calls the repository: its index's digest, so that no other one ever has this name."""
    return sha256((repository / "repository.json").read_bytes()).hexdigest()[:12]


def key(url: str | Path) -> str:
    """The key of the repository there, after a check of every file of its index."""
    repository = Repository.load(url)
    for variant in repository.variants:
        repository.details(variant.name)
        network = repository.storage.read(variant.name, str(variant.version), "model.onnx", limit_bytes=LIMIT_BYTES)
        assert sha256(network).hexdigest() == variant.onnx_sha256
    return repository.index.key


def child(program: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.Popen(command, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_every_file_of_a_repository_arrives_below_its_release(s3: Any, url: str, old: Path) -> None:
    address = upload(old, url)
    assert address == f"{url}/{release(old)}"
    local = {str(path.relative_to(old)): path.read_bytes() for path in old.rglob("*") if path.is_file()}
    prefix = address.removeprefix("s3://") + "/"
    assert {name.removeprefix(prefix): s3.cat_file(name) for name in s3.find(prefix)} == local
    assert json.loads(s3.cat_file(f"{url}/latest.json")) == {"release": release(old)}


def test_a_store_is_read_as_a_folder_is(url: str, old: Path) -> None:
    address = upload(old, f"{url}/")
    assert key(url) == key(address) == key(old)
    there, here = Repository.load(url), Repository.load(old)
    assert there.index == here.index
    assert str(there.storage) == address


def test_who_opened_the_store_before_reads_on_in_its_release(url: str, old: Path, new: Path) -> None:
    upload(old, url)
    before = Storage.at(url)
    upload(new, url)
    assert key(url) == key(new)
    assert key(str(before)) == key(old)


def test_an_older_repository_can_become_the_latest_again(url: str, old: Path, new: Path) -> None:
    for repository in (old, new, old):
        upload(repository, url)
        assert key(url) == key(repository)


def test_a_release_that_is_there_is_not_written_again(s3: Any, url: str, old: Path) -> None:
    address = upload(old, url)
    s3.rm_file(f"{address}/report.html")
    upload(old, url)
    assert not s3.exists(f"{address}/report.html")


def test_a_writer_killed_at_any_put_leaves_the_old_repository_and_the_next_one_completes_the_new(
    url: str, old: Path, new: Path
) -> None:
    files = sum(path.is_file() for path in new.rglob("*"))
    upload(old, url)
    with child(UPLOADS_THAT_DIE, new, url) as writers:
        for puts in count():
            print(puts, file=writers.stdin, flush=True)
            code = int(known(writers.stdout).readline())
            if code == 0:
                break
            assert code == 9
            assert key(url) == key(old)
    assert puts == files + 1
    assert key(url) == key(new)


def test_a_reader_beside_a_writer_sees_one_repository_and_then_the_other(url: str, old: Path, new: Path) -> None:
    upload(old, url)
    writer = child(UPLOAD, new, url)
    seen = []
    while writer.poll() is None:
        seen.append(key(url))
    writer.communicate()
    assert writer.returncode == 0
    seen.append(key(url))
    changes = [one for one, before in zip(seen, [None, *seen], strict=False) if one != before]
    assert changes == [key(old), key(new)]


def test_a_repository_that_is_not_whole_is_not_uploaded(s3: Any, url: str, tmp_path: Path) -> None:
    repository = published(tmp_path / "one", bias=3)
    (repository / "digits-a" / "1" / "model.onnx").write_bytes(b"")
    with pytest.raises(BadInputError, match="is not the file that was published: publish again"):
        upload(repository, url)
    assert not s3.exists("bucket/some")


def test_a_link_in_a_repository_is_not_followed(s3: Any, url: str, tmp_path: Path) -> None:
    repository = published(tmp_path / "one", bias=3)
    (repository / "digits-a" / "secret").symlink_to("/etc/passwd")
    with pytest.raises(BadInputError, match="secret is a link or a special file"):
        upload(repository, url)
    assert not s3.exists("bucket/some")


def test_a_local_folder_is_no_store(old: Path, tmp_path: Path) -> None:
    for url in (str(tmp_path / "store"), (tmp_path / "store").as_uri()):
        with pytest.raises(BadInputError, match=r"is a local folder.*workspace=FOLDER"):
            upload(old, url)
    assert not (tmp_path / "store").exists()


def test_a_bucket_that_does_not_exist_is_named(s3: Any, old: Path) -> None:
    for work in (
        lambda: upload(old, "s3://no-such-bucket/store"),
        lambda: Storage.at("s3://no-such-bucket").read("a", limit_bytes=1),
    ):
        with pytest.raises(BadInputError, match=r"s3://no-such-bucket.* does not exist") as caught:
            work()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("change", ["AWS_ACCESS_KEY_ID", "AWS_ENDPOINT_URL"])
def test_without_credentials_or_a_server_the_error_is_one_line(
    s3: Any, old: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    if change == "AWS_ENDPOINT_URL":
        monkeypatch.setenv(change, "http://127.0.0.1:9")
    else:
        monkeypatch.delenv(change)
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    s3.clear_instance_cache()
    for work in (lambda: upload(old, "s3://bucket/a"), lambda: Storage.at("s3://bucket/a")):
        with pytest.raises(DnnPortingError, match=r"s3://bucket/a.* cannot be reached \(.+\): check address") as caught:
            work()
        assert "\n" not in str(caught.value)
    s3.clear_instance_cache()
