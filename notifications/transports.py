"""How a payload is carried: a signed webhook, a WeCom group robot, a mail. All have one shape: send → what came of it."""

from __future__ import annotations

import http.client
import socket
import ssl
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from smtplib import SMTPException
from threading import Timer
from typing import Any

import orjson
from django.conf import settings
from django.core.mail import EmailMessage
from standardwebhooks.webhooks import Webhook

from notifications.addresses import Network, Refused, networks, resolve, split
from notifications.models import Delivery, Endpoint, Transport

TIMEOUT = 10
PATIENCE = 30
"""Seconds for one step, and for an attempt as a whole: a receiver that drips its answer must not hold a worker."""
ANSWER_LIMIT = 4096


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of an attempt: delivered or not, the HTTP status if there was one, and why not."""

    delivered: bool
    status: int | None = None
    error: str = ""


def send(delivery: Delivery, *, at: datetime) -> Sent:
    """Carry one delivery once. Network trouble is an answer, not an exception."""
    try:
        if delivery.endpoint is None:
            return _mail(delivery)
        return _CARRIERS[delivery.endpoint.transport](delivery, delivery.endpoint, at)
    except Refused as why:
        return Sent(False, error=f"refused: {why}")
    except (OSError, http.client.HTTPException, SMTPException) as trouble:
        return Sent(False, error=f"{type(trouble).__name__}: {trouble}"[:200])


def _webhook(delivery: Delivery, endpoint: Endpoint, at: datetime) -> Sent:
    body = orjson.dumps(delivery.payload)
    headers = {"Content-Type": "application/json", "User-Agent": "sanyuantong-webhooks/1"}
    status, _ = post(endpoint.url, body, headers | signature(endpoint, delivery, body, at))
    return Sent(200 <= status < 300, status, "" if 200 <= status < 300 else f"answered {status}")


def signature(endpoint: Endpoint, delivery: Delivery, body: bytes, at: datetime) -> dict[str, str]:
    """The headers of Standard Webhooks; while a secret is being rotated both sign."""
    secrets = [endpoint.secret]
    if endpoint.old_secret and endpoint.old_secret_until and at < endpoint.old_secret_until:
        secrets.append(endpoint.old_secret)
    name = f"evt_{delivery.event}"
    signed = [Webhook(secret).sign(msg_id=name, timestamp=at, data=body.decode()) for secret in secrets]
    return {
        "webhook-id": name,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signed),
    }


def _wecom(delivery: Delivery, endpoint: Endpoint, at: datetime) -> Sent:
    """The robot says yes with ``errcode`` 0, and 200 in any case."""
    content = str(delivery.payload.get("text", ""))
    body = orjson.dumps({"msgtype": "markdown", "markdown": {"content": content}})
    status, answer = post(endpoint.url, body, {"Content-Type": "application/json"})
    try:
        code = orjson.loads(answer).get("errcode")
    except (orjson.JSONDecodeError, AttributeError):
        code = None
    return Sent(status == 200 and code == 0, status, "" if code == 0 else f"errcode {code}")


def _mail(delivery: Delivery) -> Sent:
    """A mail sent twice bears the same Message-ID, by which mailboxes know it again."""
    payload, sender = delivery.payload, settings.DEFAULT_FROM_EMAIL
    domain = sender.rpartition("@")[2].strip(" >") or "localhost"
    headers = {"Message-ID": f"<{delivery.event}@{domain}>"}
    mail = EmailMessage(payload["subject"], payload["text"], sender, [payload["address"]], headers=headers)
    for name, kind, content in payload.get("files", ()):
        mail.attach(name, b64decode(content), kind)
    mail.send()
    return Sent(True)


_CARRIERS: Mapping[str, Callable[[Delivery, Endpoint, datetime], Sent]] = {
    Transport.WEBHOOK: _webhook,
    Transport.WECOM: _wecom,
}


def allowed_networks() -> Sequence[Network]:
    return networks(settings.WEBHOOK_NETWORKS)


def post(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
    """One POST to the address that was checked, and to no other; redirects are answers like any other."""
    allowed = allowed_networks()
    scheme, host, port, path = split(url, plain=bool(allowed))
    address = resolve(host, port, allowed)
    connection = _Pinned(scheme, host, port, address)
    watchdog = Timer(PATIENCE, connection.abandon)
    watchdog.daemon = True
    watchdog.start()
    try:
        connection.request("POST", path, body, dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read(ANSWER_LIMIT)
    finally:
        watchdog.cancel()
        connection.close()


class _Pinned(http.client.HTTPConnection):
    """A connection to an address we chose, under the name that the certificate and the receiver know."""

    def __init__(self, scheme: str, host: str, port: int, address: str) -> None:
        super().__init__(host, port, timeout=TIMEOUT)
        self._scheme, self._address = scheme, address
        self._line: Any = None

    def connect(self) -> None:
        plain: Any = socket.create_connection((self._address, self.port), self.timeout)
        if self._scheme == "https":
            plain = ssl.create_default_context().wrap_socket(plain, server_hostname=self.host)
        self.sock = self._line = plain

    def abandon(self) -> None:
        """Hang up from another thread; whoever reads or writes gets an end of file."""
        with suppress(OSError):
            if self._line is not None:  # ``sock`` is let go of as soon as the answer begins
                self._line.shutdown(socket.SHUT_RDWR)
