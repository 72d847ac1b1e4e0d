"""The phone of the stories: the client's own, with the questions that tests ask of it."""

from __future__ import annotations

from typing import Any, Self

import client.phone
from client.mirror import Mirror


class Phone(client.phone.Phone):
    """Real HTTP, a mirror kept by the protocol; ``phone.mirror == phone.fresh_first_sync()`` is the law."""

    def fresh_first_sync(self) -> Mirror:
        """What this person's new phone would hold after its first sync."""
        other = type(self)(self.line.http, self.line.username, self.line.password)
        return other.sign_in().pull().mirror

    def obeys_the_mirror_law(self) -> Self:
        """After a complete pull the mirror is what a first sync gives, and the server agrees that it is."""
        fresh = self.fresh_first_sync()
        assert self.mirror == fresh, "\n".join(self.mirror.differences(fresh))
        assert self.verify() == "match"
        return self

    def cannot_see(self, record: Any) -> bool:
        """Nothing of the record has come over the wire, neither as a row nor inside of one."""
        name = str(getattr(record, "id", record))
        return not self.holds(name) and all(name not in str(row.data) for row in self.mirror.rows.values())

    def was_applied(self, record: str) -> bool:
        return all(result["status"] == "applied" for result in self.results[record])
