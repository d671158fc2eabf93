"""The way of a request to a model remote and back, as events of the schedule."""

from __future__ import annotations

import random
from collections.abc import Mapping
from email.utils import formatdate
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests

from simulators.netsuite.wire import NetSuiteError
from tests.campaign.simulated.faults import Kind
from tests.campaign.simulated.netsuite import HOST, refusal
from tests.campaign.simulated.procore import error as procore_error
from tests.campaign.simulated.remotes import READ_TIMEOUT, Reply, Request

if TYPE_CHECKING:
    from tests.campaign.simulated.rig import Rig


class Wires:
    """All connections of one schedule."""

    def __init__(self, rig: Rig, *, cap: int, dice: random.Random) -> None:
        self._rig = rig
        self._cap = cap
        self._dice = dice
        self.in_flight: list[Request] = []
        self.log: list[Request] = []
        self.most_at_once = 0
        self.creates = 0
        self.uncommitted = 0

    def send(self, remote: str, method: str, url: str, options: Mapping[str, Any]) -> Reply:
        """One request from the current thread. Raises what `requests` would raise."""
        rig, scheduler = self._rig, self._rig.scheduler
        scheduler.check()
        rig.comes_to_a_call()
        thread = scheduler.current
        body = options.get("body") if options.get("body") is not None else options.get("form")
        request = Request(
            remote, method, urlsplit(url).path, options.get("params") or {}, options["headers"], body,
            bool(options.get("writes")) or method == "PATCH", thread, scheduler.now,
            thread.note.get("work_began_at", scheduler.now), thread.note.get("work", ""),
        )  # fmt: skip
        if request.creates:
            request.external_id = str(body["externalId"]) if body else ""
            self.creates += 1
            request.kind = f"create {self.creates}"
            request.intent_at = thread.note.pop("intent_at", None)
            request.checked_at = thread.note.pop("checked_at", None)
            rig.strikes.at_stage("sending", self.creates, thread, _last(request))
        request.sent_at = scheduler.now
        request.slot_at = thread.note.get("slot_at", 0.0)
        hit = rig.moments.loses_bill(request) or rig.striker.request_fault(request, scheduler.now)
        self.log.append(request)
        rig.watch.sends(request)
        rig.note("send", remote, method, request.path, request.external_id, hit[0].name if hit else "")
        travel = self._dice.uniform(0.005, 0.15)
        if hit and hit[0] in (Kind.NS_REFUSED, Kind.PC_REFUSED):
            scheduler.pause(travel)
            request.told, request.answered_at = True, scheduler.now
            raise requests.ConnectTimeout
        lost_at = self._lost_at(request, hit)
        number = self.creates
        never = (Kind.NS_LOST_BEFORE, Kind.TOKENS_HANG)
        if not (hit and (hit[0] in never or (hit[0] is Kind.PC_LOST and hit[1].random() < 0.5))):
            scheduler.at(scheduler.now + travel, lambda: self._arrive(request, hit, number))
        while request.reply is None and scheduler.now < lost_at:
            scheduler.park(lost_at)
        request.waiting = False
        if request.reply is None or not request.reply.status:
            timed_out = lost_at - request.sent_at >= READ_TIMEOUT[remote]
            rig.note("no answer", request.external_id or request.path)
            raise requests.ReadTimeout() if timed_out else requests.ConnectionError("reset")
        request.told, request.answered_at = request.reply.status < 500, scheduler.now
        rig.note("answer", request.path, request.external_id, request.reply.status)
        return request.reply

    def _lost_at(self, request: Request, hit: tuple[Kind, random.Random] | None) -> float:
        """When the client gives up if no answer comes."""
        now, limit = self._rig.scheduler.now, READ_TIMEOUT[request.remote]
        if hit and hit[0] in (Kind.NS_LOST_BEFORE, Kind.PC_LOST):
            return now + hit[1].choice((hit[1].uniform(0.1, 5), hit[1].uniform(5, 30)))
        if hit and hit[0] is Kind.NS_SLOW_COMMIT and hit[1].random() < 0.6:
            return now + hit[1].uniform(0.5, 60)
        return now + limit

    # What happens at the remote

    def _arrive(self, request: Request, hit: tuple[Kind, random.Random] | None, number: int) -> None:
        request.arrived_at = self._rig.scheduler.now
        if request.remote == "procore":
            self._procore(request, hit)
            return
        if not request.path.endswith("/token"):
            self.in_flight.append(request)
            self._count(request)
        if request.creates:
            self._rig.strikes.at_stage("arrived", number, request.thread, _last(request))
        kind = hit[0] if hit else None
        early = {Kind.NS_429: 429, Kind.NS_401: 401, Kind.NS_MAINTENANCE: 503, Kind.NS_PERMISSION: 403}
        if kind in early:
            self._reply(request, refusal(early[kind]))
        elif kind is Kind.NS_5XX_BEFORE and hit:
            self._reply(request, refusal(hit[1].choice((500, 502, 503, 504))))
        elif refused := self._rig.netsuite.admits(request):
            self._reply(request, refused)
        elif request.creates:
            self._create(request, hit, number)
        else:
            took = self._dice.uniform(0.05, 0.6)
            self._later(took, lambda: self._finish(request, self._rig.netsuite.read(request), hit))

    def _count(self, request: Request) -> None:
        """NetSuite's cap: requests whose clients are alive and whose leases cannot have run out."""
        now = self._rig.scheduler.now
        held = [one for one in self.in_flight if one.waiting and not one.thread.process.dead and self._leased(one)]
        self.most_at_once = max(self.most_at_once, len(held))
        if len(held) > self._cap:
            request.over_cap = True
            self._rig.note("OVER CAP", len(held), round(now))

    def _leased(self, request: Request) -> bool:
        """Whether its slot must still be its own: no long pause of its worker, no loss in the store since it was taken."""
        stalls = self._rig.troubles.stalls.get(request.thread.process.name, ())
        paused = any(end > request.slot_at and end - begin > 20 for begin, end in stalls)
        # Taken in the second that was lost, or just after by others who did not see it.
        return not paused and not any(taken <= request.slot_at <= at for taken, at in self._rig.troubles.losses)

    def _create(self, request: Request, hit: tuple[Kind, random.Random] | None, number: int) -> None:
        model, now = self._rig.netsuite, self._rig.scheduler.now
        try:
            draft = model.draft(request)
        except NetSuiteError as error:
            refused = self._error(error)
            if later := self._rig.moments.netsuite_refused(request):
                self._later(later, partial(self._reply, request, refused))
            else:
                self._reply(request, refused)
            return
        self.uncommitted += 1
        slow = hit is not None and hit[0] is Kind.NS_SLOW_COMMIT
        took = hit[1].uniform(15, 840) if hit and slow else self._dice.uniform(0.15, 1.5)
        took = max(took, model.window or 0.0)
        if model.window is not None:
            check_at = now + took - model.window

            def check() -> None:
                try:
                    model.check_unique(request, draft)
                except NetSuiteError as error:
                    self.uncommitted -= 1
                    request.refused = True
                    self._finish(request, self._error(error), hit)
                    return
                self._later(model.window or 0.0, lambda: self._commit(request, draft, hit, number))

            self._rig.scheduler.at(check_at, check)
            return
        self._later(took, lambda: self._commit(request, draft, hit, number))

    def _commit(self, request: Request, draft: Any, hit: tuple[Kind, random.Random] | None, number: int) -> None:
        model = self._rig.netsuite
        self.uncommitted -= 1
        if model.window is None:
            try:
                model.check_unique(request, draft)
            except NetSuiteError as error:
                request.refused = True
                self._finish(request, self._error(error), hit)
                return
        request.record_id = model.commit(request, draft)
        request.committed_at = self._rig.scheduler.now
        request.lock_lost = self._rig.lock_lost(request)
        self._rig.note("COMMIT", request.external_id, request.record_id, request.lock_lost)
        headers = {"Location": f"{HOST}{request.path}/{request.record_id}"}
        if hit and hit[0] is Kind.NS_NO_LOCATION:
            headers = {}
        self._finish(request, Reply(204, "", headers), hit)
        self._rig.strikes.at_stage("committed", number, request.thread, _last(request))

    def _finish(self, request: Request, reply: Reply, hit: tuple[Kind, random.Random] | None) -> None:
        """The remote is done; whether its answer gets through."""
        kind = hit[0] if hit else None
        if kind is Kind.NS_5XX_AFTER and hit:
            reply = refusal(hit[1].choice((500, 502, 504)))
        if kind in (Kind.NS_LOST_AFTER, Kind.NS_TIMEOUT):
            self._left(request)
            if kind is Kind.NS_LOST_AFTER:
                request.reply = None
                self._rig.scheduler.at(self._rig.scheduler.now + 0.05, lambda: self._cut(request))
            return
        self._reply(request, reply)

    def _cut(self, request: Request) -> None:
        """The connection breaks: the client sees a reset."""
        request.reply = Reply(0)
        if request.waiting:
            self._rig.scheduler.wake(request.thread)

    def _reply(self, request: Request, reply: Reply) -> None:
        travel = self._dice.uniform(0.005, 0.15)
        self._later(travel, lambda: self._delivered(request, reply))

    def _delivered(self, request: Request, reply: Reply) -> None:
        self._left(request)
        request.reply = reply
        if request.waiting:
            self._rig.scheduler.wake(request.thread)

    def _left(self, request: Request) -> None:
        if request in self.in_flight:
            self.in_flight.remove(request)

    def _later(self, seconds: float, what: Any) -> None:
        self._rig.scheduler.at(self._rig.scheduler.now + seconds, what)

    def _procore(self, request: Request, hit: tuple[Kind, random.Random] | None) -> None:
        kind = hit[0] if hit else None
        statuses = {Kind.PC_403: 403, Kind.PC_404: 404, Kind.PC_429: 429, Kind.PC_401: 401}
        now = self._rig.scheduler.now
        if kind in statuses and not request.path.endswith("token"):
            reply = procore_error(statuses[kind], "refused")
            if kind is Kind.PC_429:
                reply.headers["X-Rate-Limit-Reset"] = str(int(now + self._rig.remote_skew) + 8)
        elif kind is Kind.PC_5XX and hit:
            reply = procore_error(hit[1].choice((500, 502, 503)), "trouble")
        elif kind is Kind.OUTAGE_WITH_ROOM:
            reply = procore_error(503, "Service Unavailable")
            reply.headers |= _room_left(now)
        elif request.method == "PATCH" and self._rig.moments.refuses_origin_ids(request):
            reply = procore_error(403, "You do not have permission to edit this invoice")
        else:
            reply = Reply(-1)
        took = self._dice.uniform(0.05, 0.5)
        if kind is Kind.PC_SLOW and hit:
            took = hit[1].uniform(12, 50)
        elif self._rig.moments.slow_comparison(request):
            took *= 30
        self._later(took, lambda: self._procore_done(request, reply, kind))

    def _procore_done(self, request: Request, reply: Reply, kind: Kind | None) -> None:
        if reply.status == -1:
            reply = self._rig.procore.handle(request)
            self._rig.moments.procore_answered(request)
        reply.headers["Date"] = formatdate(self._rig.scheduler.now + self._rig.remote_skew, usegmt=True)
        if kind is not Kind.PC_LOST:
            self._reply(request, reply)

    def _error(self, error: NetSuiteError) -> Reply:
        response = error.response()
        return Reply(response.status_code, bytes(response.body).decode())


def _room_left(now: float) -> dict[str, str]:
    """The headers that come with every answer of Procore: nearly the whole hour's limit is left."""
    return {
        "X-Rate-Limit-Limit": "3600",
        "X-Rate-Limit-Remaining": "3567",
        "X-Rate-Limit-Reset": str(int(now) + 3500),
    }


def _last(request: Request) -> str:
    return request.external_id.rsplit("-", 1)[-1]
