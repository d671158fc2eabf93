"""Reads that run at the same time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from worker.context import correlated, current_correlation
from worker.sync.parallel_reads import read_in_parallel


def test_a_read_continues_while_the_block_runs() -> None:
    begun, released = threading.Event(), threading.Event()

    def read() -> str:
        begun.set()
        assert released.wait(60)
        return current_correlation()

    with ThreadPoolExecutor(1) as pool, correlated("export-1"), read_in_parallel(pool, read) as result:
        assert begun.wait(60)
        released.set()
        assert result() == "export-1"


def test_no_caller_waits_for_a_thread_that_reads_for_another() -> None:
    free = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(free.wait, 120)
        with read_in_parallel(pool, threading.get_ident) as result:
            assert result() == threading.get_ident()
        free.set()


def test_a_read_error_comes_with_its_result_and_the_blocks_own_error_wins() -> None:
    """An error of the block is raised instead of the read's."""

    def read() -> None:
        raise ValueError("of the read")

    with ThreadPoolExecutor(1) as pool:
        with pytest.raises(ValueError, match="of the read"), read_in_parallel(pool, read) as result:
            result()
        with pytest.raises(KeyError), read_in_parallel(pool, read):
            raise KeyError("of the block")


def test_the_block_ends_when_the_read_has() -> None:
    ended: list[bool] = []
    begun, released = threading.Event(), threading.Event()

    def read() -> None:
        begun.set()
        assert released.wait(60)
        ended.append(True)

    with ThreadPoolExecutor(1) as pool:
        with read_in_parallel(pool, read):
            assert begun.wait(60)
            threading.Timer(0.05, released.set).start()
        assert ended == [True]
