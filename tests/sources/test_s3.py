"""Buckets of a real S3 protocol server (moto), through s3fs, where the two are installed."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from foveal.errors import InvalidRequestError, SourceUnusableError
from foveal.ports.sources import Source
from foveal.sources.fsspec_files import FsspecSource
from foveal.testing.contracts.source import SourceContract
from foveal.types.sources import Credential, CredentialKind, Secret

pytest.importorskip("s3fs", reason="reading s3:// needs s3fs")
moto = pytest.importorskip("moto.server", reason="moto stands in for S3")
boto3 = pytest.importorskip("boto3")


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


def options(endpoint: str, **more: str) -> Credential:
    secret = json.dumps({"key": "k", "secret": "s", "endpoint_url": endpoint, **more})
    return Credential(kind=CredentialKind.OPTIONS, secret=Secret(secret))


@pytest.fixture
def client(endpoint: str) -> Any:
    keys = {"aws_access_key_id": "k", "aws_secret_access_key": "s", "region_name": "us-east-1"}
    return boto3.client("s3", endpoint_url=endpoint, **keys)


@pytest.fixture
def bucket(client: Any) -> str:
    name = f"b-{uuid.uuid4().hex}"
    client.create_bucket(Bucket=name)
    return name


class TestS3(SourceContract):
    @pytest.fixture
    def source(self, endpoint: str, client: Any, bucket: str) -> Source:
        for path, data in self.FILES:
            client.put_object(Bucket=bucket, Key=f"2024/{path}", Body=data)
        return FsspecSource(f"s3://{bucket}/2024", options(endpoint))

    @pytest.fixture
    def same_source(self, endpoint: str, bucket: str) -> Source:
        return FsspecSource(f"s3://{bucket}/2024", options(endpoint))


def test_the_entity_tag_tells_a_change(endpoint: str, client: Any, bucket: str) -> None:
    source = FsspecSource(f"s3://{bucket}", options(endpoint))
    versions = []
    for body in (b"one", b"two"):
        client.put_object(Bucket=bucket, Key="a.txt", Body=body)
        versions += [item.version for item in source.items()]
    assert len(set(versions)) == 2


def test_what_is_wrong_is_told_apart(endpoint: str, bucket: str) -> None:
    places = {
        "not_found": FsspecSource("s3://no-such-bucket/x", options(endpoint)),
        "unreachable": FsspecSource(f"s3://{bucket}", options("http://127.0.0.1:1")),
    }
    for reason, source in places.items():
        with pytest.raises(SourceUnusableError) as caught:
            list(source.items())
        assert caught.value.reason == reason
    with pytest.raises(InvalidRequestError, match="options"):
        list(FsspecSource(f"s3://{bucket}", options(endpoint, no_such_option="x")).items())
