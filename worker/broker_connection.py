"""Connections of Celery to the broker whose login is not in their address (config/redis_address.py)."""

from __future__ import annotations

from typing import Any

import celery.app.amqp
import kombu


class Connection(kombu.Connection):  # type: ignore[misc]  # kombu is published without types
    """Keeps its login when it takes the next address of a list, such as another sentinel."""

    def switch(self, conn_str: str) -> None:
        """Take another address. Called by kombu when the present one does not answer."""
        super().switch(conn_str)
        first: dict[str, Any] = self._initial_params
        self.userid: str | None = self.userid or first["userid"]
        self.password: str | None = self.password or first["password"]


class AMQP(celery.app.amqp.AMQP):  # type: ignore[misc]  # so is Celery
    """Gives the Celery app such connections."""

    Connection = Connection
