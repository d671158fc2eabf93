"""Asynchronous jobs and batches (ohelp/article_0127092747, ohelp/subsect_161278579295)."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from simulators.netsuite.auth import LoginEndpoints
from simulators.netsuite.bodies import Body, lines
from simulators.netsuite.state import NetSuiteState
from simulators.netsuite.wire import NetSuiteError, json_response, location_of, no_content
from simulators.netsuite.writing import Writer, WriteRequest

JOB_PATH = "/services/rest/async/v1/job"
LARGEST_BATCH = 100
Work = Callable[[], Awaitable[Response]]


@dataclass
class Job:
    """A job and the responses of its tasks, in the order of the records; None for a task that has not ended."""

    id: str
    answers: list[Response | None] = field(default_factory=list)

    @property
    def completed(self) -> bool:
        """Return whether every task has ended, successfully or not."""
        return all(answer is not None for answer in self.answers)


class AsyncJobs:
    """Starts jobs and responds to queries about them. The records of a batch are processed in parallel, in no order."""

    def __init__(self, state: NetSuiteState, login: LoginEndpoints) -> None:
        self._state = state
        self._login = login
        self._numbers = itertools.count(8842)
        self._jobs: dict[str, Job] = {}
        self._keys: dict[str, str] = {}  # idempotency key -> id of the job
        self._running: set[asyncio.Task[None]] = set()  # an unreferenced task may be garbage-collected before it ends

    def start_batch(self, request: Request, writer: Writer[Any], record_type: str, body: Body) -> Response:
        """Start a job that updates (PATCH) or upserts (PUT) every record of a collection. `Prefer: respond-async` is required."""
        if not wants_async(request):
            raise NetSuiteError("The header Prefer: respond-async is required.", code="INVALID_HEADER")
        records = lines({"collection": body}, "collection")
        if not 1 <= len(records) <= LARGEST_BATCH:
            raise NetSuiteError(f"A collection has 1 to {LARGEST_BATCH} records.", code="INVALID_CONTENT")
        return self.start(request, [self._work(request, writer, record_type, record) for record in records])

    def start(self, request: Request, works: Sequence[Work]) -> Response:
        """Respond 202 with the job's address. An idempotency key that was used before starts no job (ohelp/subsect_164494900632)."""
        key = request.headers.get("X-NetSuite-Idempotency-Key")
        if key is not None and key in self._keys:
            raise NetSuiteError(
                "A request with this idempotency key was already processed.",
                code="IDEMPOTENCY_ERROR",
                location=f"{JOB_PATH}/{self._keys[key]}",
            )
        job = Job(str(next(self._numbers)), [None] * len(works))
        self._jobs[job.id] = job
        if key is not None:
            self._keys[key] = job.id
        running = asyncio.create_task(self._run(job, works))
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        answer = Response(status_code=202)
        answer.headers["Preference-Applied"] = "respond-async"
        answer.headers["Location"] = f"{JOB_PATH}/{job.id}"
        return answer

    async def job(self, request: Request) -> Response:
        """GET /job/{id}: whether it is completed, and its progress (ohelp/subsect_161252896355)."""
        job = self._job_of(request)
        failed = any(answer is not None and answer.status_code >= 400 for answer in job.answers)
        ended = "failed" if failed else "succeeded"
        return json_response(
            {
                "id": job.id,
                "completed": job.completed,
                "progress": ended if job.completed else "pending",
                "task": {"links": [{"rel": "self", "href": f"{JOB_PATH}/{job.id}/task"}]},
            }
        )

    async def tasks(self, request: Request) -> Response:
        """GET /job/{id}/task: one task per record (ohelp/subsect_161252889998)."""
        job = self._job_of(request)
        items = [_shown_task(job, number) for number in range(1, len(job.answers) + 1)]
        body = {"links": [], "items": items, "count": len(items), "totalResults": len(items), "hasMore": False}
        return json_response(body, kind="collection")

    async def task(self, request: Request) -> Response:
        """GET /job/{id}/task/{n}."""
        job, number = self._task_of(request)
        return json_response(_shown_task(job, number))

    async def result(self, request: Request) -> Response:
        """GET /job/{id}/task/{n}/result: the response that the record would have got as a separate request."""
        job, number = self._task_of(request)
        answer = job.answers[number - 1]
        if answer is None:
            raise NetSuiteError("The task is not completed yet.", status=404, code="NONEXISTENT_ID")
        return answer

    async def _run(self, job: Job, works: Sequence[Work]) -> None:
        processors = asyncio.Semaphore(self._state.settings.async_processors)

        async def one(place: int, work: Work) -> None:
            async with processors:
                try:
                    job.answers[place] = await work()
                except NetSuiteError as error:
                    job.answers[place] = error.response()

        await asyncio.gather(*(one(place, work) for place, work in enumerate(works)))

    def _work(self, request: Request, writer: Writer[Any], record_type: str, body: Body) -> Work:
        key = str(body["id"]) if body.get("id") else f"eid:{body.get('externalId', '')}"

        async def work() -> Response:
            asked = WriteRequest.of(request, self._state)
            if request.method == "PATCH" or not key.startswith("eid:"):
                record = await writer.update(key, body, asked)
            else:
                record, _ = await writer.upsert(key, body, asked)
            return no_content(location_of(request, record_type, record.id))

        return work

    def _job_of(self, request: Request) -> Job:
        self._login.admit(request)
        job = self._jobs.get(request.path_params["job"])
        if job is None:
            raise NetSuiteError("The job does not exist.", status=404, code="NONEXISTENT_ID")
        return job

    def _task_of(self, request: Request) -> tuple[Job, int]:
        job = self._job_of(request)
        number: int = request.path_params["task"]
        if not 1 <= number <= len(job.answers):
            raise NetSuiteError("The task does not exist.", status=404, code="NONEXISTENT_ID")
        return job, number


def wants_async(request: Request) -> bool:
    """Return whether the client requests a job instead of a response."""
    return "respond-async" in request.headers.get("Prefer", "")


def _shown_task(job: Job, number: int) -> dict[str, Any]:
    answer = job.answers[number - 1]
    address = f"{JOB_PATH}/{job.id}/task/{number}"
    progress = "pending" if answer is None else "failed" if answer.status_code >= 400 else "succeeded"
    return {
        "links": [{"rel": "self", "href": address}],
        "id": str(number),
        "completed": answer is not None,
        "progress": progress,
        "result": {"links": [{"rel": "self", "href": f"{address}/result"}]},
    }
