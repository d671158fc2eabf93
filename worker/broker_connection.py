"""Connections of Celery to the broker whose login is not in their address (config/redis_address.py)."""

from __future__ import annotations

from typing import Any

import celery.app.amqp
import kombu


class Connection(kombu.Connection):  # type: ignore[misc]  # kombu is published without types
    """Keeps its login when it takes the next address of a list, such as another sentinel."""

    def _init_params(self, **parts: Any) -> None:
        """Called by kombu with the parts of each address that it takes. The login is there from the first moment: another thread may be
        making a connection of its own from this one, and without a login it would be refused for as long as it lives.
        """
        first: dict[str, Any] = self._initial_params
        super()._init_params(**parts | {part: parts[part] or first[part] for part in ("userid", "password")})


class AMQP(celery.app.amqp.AMQP):  # type: ignore[misc]  # so is Celery
    """Gives the Celery app such connections."""

    Connection = Connection
